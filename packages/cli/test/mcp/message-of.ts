import assert from "node:assert/strict";
import { type Message, readMessage } from "../../src/mcp/json-rpc.ts";

export interface JsonRpcText {
  id?: number;
  method: string;
  params?: Record<string, unknown>;
}

/** The message as it is read from its text. */
export function messageOf(message: JsonRpcText): Message {
  const read = readMessage(JSON.stringify({ jsonrpc: "2.0", ...message }));
  assert.ok(read !== undefined);
  return read;
}
