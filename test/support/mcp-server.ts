// MCP servers over HTTP, written from the text of the specification's revisions: one with sessions
// (2025-03-26 to 2025-11-25), and one whose requests stand alone (2026-07-28).
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./upstream.ts";

export interface JsonRpc {
  jsonrpc?: string;
  id?: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}

/** A server with sessions, and what a test sees and does of it. */
export class SessionServer {
  /** messages that arrived, in their order */
  readonly received: JsonRpc[] = [];
  /** what was asked with other methods: `GET`, `GET after 7`, `DELETE` */
  readonly asked: string[] = [];
  /** sessions that are open */
  readonly sessions = new Set<string>();
  /** sessions whose own stream is open, and the stream */
  readonly streams = new Map<string, ServerResponse>();
  /** requests that get no answer until the test says so, or until their client has gone */
  readonly held = new Map<unknown, ServerResponse>();
  /** requests whose connection ended without an answer */
  readonly abandoned: unknown[] = [];
  readonly revision: string;
  readonly offersStream: boolean;
  #opened = 0;

  constructor({ revision = "2025-11-25", offersStream = true } = {}) {
    this.revision = revision;
    this.offersStream = offersStream;
  }

  readonly answer: Answer = (request, response) => {
    void this.#answer(request, response);
  };

  /** Says something by itself, on every stream that is open. */
  announce(text: string): void {
    const message = { jsonrpc: "2.0", method: "notifications/message", params: { data: text } };
    for (const stream of this.streams.values()) sendEvent(stream, message);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers["mcp-session-id"];
    if (id !== undefined && !this.sessions.has(String(id))) {
      const error = { code: -32001, message: "Session not found" };
      return sendJson(response, 404, { jsonrpc: "2.0", id: null, error });
    }
    if (request.method !== "POST") return this.#askedOtherwise(request, response, String(id));
    const message = JSON.parse(await bodyOf(request)) as JsonRpc | JsonRpc[];
    if (Array.isArray(message)) return this.#answerBatch(message, response);
    this.received.push(message);
    if (message.method === "initialize") return this.#initialize(message, response);
    if (id === undefined) {
      const error = { code: -32600, message: "a session is wanted" };
      return sendJson(response, 400, { jsonrpc: "2.0", id: null, error });
    }
    if (message.id === undefined || message.method === undefined)
      return void response.writeHead(202).end();
    this.#answerRequest(message, response);
  }

  #askedOtherwise({ method, headers }: IncomingMessage, response: ServerResponse, id: string) {
    const after = headers["last-event-id"];
    this.asked.push(after === undefined ? `${method}` : `${method} after ${after}`);
    if (method === "DELETE") {
      this.sessions.delete(id);
      return void response.writeHead(204).end();
    }
    if (typeof after === "string") return this.#resume(after, response);
    if (!this.offersStream) return void response.writeHead(405).end();
    startEvents(response);
    this.streams.set(id, response);
    response.on("close", () => this.streams.delete(id));
  }

  #initialize({ id }: JsonRpc, response: ServerResponse): void {
    const session = `session-${++this.#opened}`;
    this.sessions.add(session);
    response.setHeader("mcp-session-id", session);
    const serverInfo = { name: "test", version: "1" };
    const result = { protocolVersion: this.revision, capabilities: { tools: {} }, serverInfo };
    sendJson(response, 200, { jsonrpc: "2.0", id, result });
  }

  #answerBatch(messages: JsonRpc[], response: ServerResponse): void {
    this.received.push(...messages);
    const requests = messages.filter(({ id }) => id !== undefined);
    sendJson(
      response,
      200,
      requests.map(({ id }) => ({ jsonrpc: "2.0", id, result: {} })),
    );
  }

  #answerRequest({ id, method, params }: JsonRpc, response: ServerResponse): void {
    const answer = { jsonrpc: "2.0", id, result: { text: params?.["text"] ?? "" } };
    switch (method) {
      case "echo":
        sendJson(response, 200, answer);
        break;
      case "echo/stream":
        startEvents(response);
        sendEvent(response, progress(id, 1));
        sendEvent(response, progress(id, 2));
        sendEvent(response, answer);
        response.end();
        break;
      case "echo/in-pieces":
        startEvents(response);
        response.end(`id: ${id}-1\nretry: 10\ndata:\n\n`);
        break;
      case "break":
        startEvents(response);
        sendEvent(response, progress(id, 1));
        response.destroy();
        break;
      case "ask":
        startEvents(response);
        sendEvent(response, { jsonrpc: "2.0", id: "question", method: "roots/list" });
        this.held.set(id, response);
        break;
      case "hold":
        this.held.set(id, response);
        response.on("close", () => this.abandoned.push(id));
        break;
      case "huge":
        response.writeHead(200, { "content-type": "application/json" });
        response.end(Buffer.alloc(33 * 1024 * 1024, " "));
        break;
      default:
        sendJson(response, 200, unknownMethod(id));
    }
  }

  /** The rest of `echo/in-pieces`: by another connection once more, and then the answer. */
  #resume(after: string, response: ServerResponse): void {
    const [, id = "", piece = ""] = /^(\d+)-(\d)$/.exec(after) ?? [];
    startEvents(response);
    if (piece === "1") {
      response.write(`id: ${id}-2\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n`);
      return void response.end();
    }
    response.write(`id: ${id}-3\n`);
    sendEvent(response, { jsonrpc: "2.0", id: Number(id), result: { text: "whole" } });
    response.end();
  }
}

function progress(progressToken: unknown, step: number): JsonRpc {
  const params = { progressToken, progress: step };
  return { jsonrpc: "2.0", method: "notifications/progress", params };
}

function unknownMethod(id: unknown): JsonRpc {
  return { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } };
}

/** A server whose requests stand alone; `greet` wants its argument in a header as well. */
export class StandaloneServer {
  /** methods of the messages that arrived, each with the header fields of MCP */
  readonly received: { message: JsonRpc; fields: Record<string, string> }[] = [];
  readonly others: string[] = [];
  readonly abandoned: unknown[] = [];

  readonly answer: Answer = (request, response) => {
    void this.#answer(request, response);
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST") {
      this.others.push(String(request.method));
      return void response.writeHead(405).end();
    }
    const message = JSON.parse(await bodyOf(request)) as JsonRpc;
    const fields = mcpFields(request);
    this.received.push({ message, fields });
    const { id, method = "", params = {} } = message;
    const mismatch = mismatchOf(message, fields);
    if (mismatch !== undefined) {
      const error = { code: -32020, message: `Header mismatch: ${mismatch}` };
      return sendJson(response, 400, { jsonrpc: "2.0", id, error });
    }
    if (method === "tools/list") {
      const result = { resultType: "complete", ...toolsOf(params["cursor"]) };
      return sendJson(response, 200, { jsonrpc: "2.0", id, result });
    }
    if (method === "tools/call" && params["name"] === "greet") {
      const result = { resultType: "complete", content: [{ type: "text", text: "hello" }] };
      return sendJson(response, 200, { jsonrpc: "2.0", id, result });
    }
    if (method === "subscriptions/listen") {
      startEvents(response);
      sendEvent(response, { jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged" });
      return void response.on("close", () => this.abandoned.push(id));
    }
    sendJson(response, 404, unknownMethod(id));
  }
}

const greet = {
  name: "greet",
  inputSchema: {
    type: "object",
    properties: {
      region: { type: "string", "x-mcp-header": "Region" },
      place: {
        type: "object",
        properties: { floor: { type: "integer", "x-mcp-header": "Floor" } },
      },
    },
  },
};
/** A tool whose annotation no client may take. */
const odd = {
  name: "odd",
  inputSchema: {
    type: "object",
    properties: { list: { type: "array", items: { type: "string", "x-mcp-header": "List" } } },
  },
};

/** The list has two pages. */
function toolsOf(cursor: unknown): Record<string, unknown> {
  return cursor === undefined ? { tools: [odd], nextCursor: "2" } : { tools: [greet] };
}

/** What the header fields say otherwise than the body. */
function mismatchOf(
  { method, params = {} }: JsonRpc,
  fields: Record<string, string>,
): string | undefined {
  const meta = params["_meta"] as Record<string, unknown> | undefined;
  const wanted: Record<string, unknown> = {
    "mcp-protocol-version": meta?.["io.modelcontextprotocol/protocolVersion"],
    "mcp-method": method,
  };
  if (method === "tools/call") wanted["mcp-name"] = params["name"];
  if (method === "tools/call" && params["name"] === "greet") {
    const values = params["arguments"] as { region?: string; place?: { floor?: number } };
    if (values.region !== undefined) wanted["mcp-param-region"] = values.region;
    if (values.place?.floor !== undefined) wanted["mcp-param-floor"] = `${values.place.floor}`;
  }
  const names = new Set([...Object.keys(wanted), ...Object.keys(fields)]);
  return [...names].find((name) => decoded(fields[name]) !== wanted[name]);
}

function decoded(value: string | undefined): string | undefined {
  const [, text] = /^=\?base64\?(.*)\?=$/.exec(value ?? "") ?? [];
  return text === undefined ? value : Buffer.from(text, "base64").toString("utf8");
}

function mcpFields({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => name.startsWith("mcp-"));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

function sendJson(response: ServerResponse, status: number, message: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(message, null, 2));
}

function startEvents(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
}

function sendEvent(response: ServerResponse, message: JsonRpc): void {
  const lines = JSON.stringify(message, null, 2).split("\n");
  response.write(`event: message\n${lines.map((line) => `data: ${line}\n`).join("")}\n`);
}
