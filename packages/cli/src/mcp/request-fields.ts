// The header fields that MCP's transport wants with a message, read from the message itself. From
// revision 2026-07-28 on each request says its revision and stands alone; before that a handshake
// opens a session, and what it agreed on goes with everything that follows.
import { fieldOf, type Message, type MessagePart } from "./json-rpc.ts";
import type { ToolHeaders } from "./tool-headers.ts";

const versionInMeta = "io.modelcontextprotocol/protocolVersion";

/** The parameter that `Mcp-Name` repeats, by method ("Standard Request Headers"). */
const namedBy: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/**
 * The revision that a request states of itself; undefined for one of a session, as all are before
 * 2026-07-28.
 */
export function statedRevision({ parts }: Message): string | undefined {
  const [part] = parts;
  if (part === undefined || parts.length > 1) return undefined;
  const revision = fieldOf(fieldOf(fieldOf(part.body, "params"), "_meta"), versionInMeta);
  return typeof revision === "string" && isPlain(revision) ? revision : undefined;
}

/** The fields of a request that stands alone. */
export function standaloneFields(
  part: MessagePart,
  revision: string,
  tools: ToolHeaders,
): Record<string, string> {
  const params = fieldOf(part.body, "params");
  const name = fieldOf(params, namedBy[part.method] ?? "");
  const fields: Record<string, string> = {
    "mcp-protocol-version": revision,
    "mcp-method": fieldValue(part.method),
  };
  if (typeof name === "string") fields["mcp-name"] = fieldValue(name);
  if (part.method !== "tools/call") return fields;
  for (const [field, value] of Object.entries(tools.fieldsFor(params)))
    fields[field] = fieldValue(value);
  return fields;
}

/** What fits into a header line as it is: ASCII, without white space at its ends. */
function isPlain(text: string): boolean {
  return /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(text);
}

/** The value as a header carries it ("Value Encoding"); whatever looks encoded is encoded, too. */
export function fieldValue(text: string): string {
  const looksEncoded = text.startsWith("=?base64?") && text.endsWith("?=");
  if (isPlain(text) && !looksEncoded) return text;
  return `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

/** What goes with every message. */
export const postFields: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};
