// An agent with `access mcp` of the built command line in between: a process that speaks JSON-RPC
// on its standard streams, with a gateway and an MCP server behind it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Running } from "../support/cli.ts";
import { simpleSections } from "../support/gateway.ts";
import type { JsonRpc, SessionServer, StandaloneServer } from "../support/mcp-server.ts";
import { signedInMachine } from "../support/signed-in-machine.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";

export interface Agent {
  running: Running;
  /** gives the server a message */
  say(message: JsonRpc | JsonRpc[] | string): void;
  /** what the server said, message by message */
  heard(): JsonRpc[];
  /** the answer to a request, when it has come */
  answerTo(id: unknown): Promise<JsonRpc>;
  /** asks, and waits for the answer */
  ask(id: unknown, method: string, params?: Record<string, unknown>): Promise<JsonRpc>;
  /** closes standard input, and waits for the end */
  leave(): Promise<number>;
}

/** An agent. It fails where a line of the bridge's standard output is no message. */
export function agentOf(running: Running): Agent {
  const heard = () => {
    const lines = running.stdout().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as JsonRpc);
  };
  const say: Agent["say"] = (message) => {
    const text =
      typeof message === "string"
        ? message
        : JSON.stringify(Array.isArray(message) ? message : { jsonrpc: "2.0", ...message });
    running.child.stdin.write(`${text}\n`);
  };
  const answerTo = async (id: unknown) => {
    const find = () => heard().find((each) => each.id === id && each.method === undefined);
    await until(() => find() !== undefined);
    return find() ?? {};
  };
  return {
    running,
    say,
    heard,
    answerTo,
    ask: (id, method, params = {}) => {
      say({ id, method, params });
      return answerTo(id);
    },
    leave: () => {
      running.child.stdin.end();
      return running.ended;
    },
  };
}

export async function scene(context: TestContext, server: SessionServer | StandaloneServer) {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  upstream.answerWith(server.answer);
  const place = await signedInMachine(context, { sections: simpleSections(upstream.origin) });
  const url = `${place.gateway.origin("app.localhost")}/mcp`;
  const startAgent = (args: string[] = [], environment: Record<string, string> = {}) =>
    agentOf(place.person.start(["access", "mcp", ...args, url], environment));
  return { ...place, upstream, url, startAgent };
}

export const handshake = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "t" },
};

/** A session with the server, opened as every agent does it. */
export async function opened(agent: Agent): Promise<void> {
  const { result } = await agent.ask("hello", "initialize", handshake);
  assert.ok(result !== undefined);
  agent.say({ method: "notifications/initialized" });
}
