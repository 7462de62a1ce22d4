// Opens a WebSocket (RFC 6455 4.1) over the same network, proxy and trust as every other request.
// What comes of it is a connection, or the answer that the server gave in its place.
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { acceptOf } from "@postern/protocol/websocket-handshake";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";
import { showRequest, showResponse } from "./debug.ts";
import { collect, faultOf, requestOptions, TimeoutError } from "./http-client.ts";
import type { HttpResponse } from "./http-message.ts";

export interface WebSocketRequest {
  /** http or https */
  url: URL;
  headers: Record<string, string>;
  /** subprotocols that are offered */
  protocols: readonly string[];
  /** ends the attempt */
  signal?: AbortSignal;
}

/** The connection behind the answer to a dial. */
export interface OpenWebSocket {
  /** paused, with the bytes behind the answer before all others */
  connection: Duplex;
  /** the subprotocol */
  protocol: string | undefined;
}

export type DialAnswer =
  | ({ ok: true } & OpenWebSocket)
  /** the server answered, but not with a WebSocket */
  | { ok: false; response: HttpResponse };

/**
 * The gateway dials the service before it answers, and gives up itself after 30 s unless it is told
 * otherwise (configuration.md, `connectTimeout`).
 */
const patience = 45_000;
const longestRefusal = 64 * 1024;
const keepAliveMs = 30_000;

/**
 * Dials.
 * @throws {CliError} usage | unreachable | unverified
 */
export async function dialWebSocket(
  context: Context,
  request: WebSocketRequest,
): Promise<DialAnswer> {
  const { url, signal } = request;
  const key = randomBytes(16).toString("base64");
  const headers = handshake(key, request);
  showRequest(context, { method: "GET", url, headers });
  try {
    const options = await requestOptions(context, url, patience);
    const { request: open } = url.protocol === "https:" ? https : http;
    const allHeaders = { ...options.headers, ...headers };
    const asked = open(url, { ...options, headers: allHeaders, ...defined({ signal }) });
    const { response, connection } = await answerTo(asked, request);
    const answer = await readAnswer(response, connection, url, key);
    showResponse(context, answer.ok ? messageOf(response, "") : answer.response);
    return answer;
  } catch (error) {
    if (context.debug) context.tell(`* ${String(error)}`);
    throw faultOf(context, url, error);
  }
}

function handshake(key: string, { headers, protocols }: WebSocketRequest): Record<string, string> {
  const offer = protocols.length === 0 ? undefined : protocols.join(", ");
  return {
    // An answer that is no WebSocket is read by this program.
    Accept: "application/json",
    ...headers,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
    ...defined({ "Sec-WebSocket-Protocol": offer }),
  };
}

interface Answered {
  response: IncomingMessage;
  /** undefined where the answer is none to an upgrade */
  connection: Duplex | undefined;
}

function answerTo(asked: http.ClientRequest, { url }: WebSocketRequest): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const remedy = "try again later";
    const giveUp = () => asked.destroy(new TimeoutError({ method: "GET", url, remedy }));
    const timer = setTimeout(giveUp, patience);
    asked.on("error", reject);
    asked.on("close", () => clearTimeout(timer));
    asked.on("response", (response) => resolve({ response, connection: undefined }));
    asked.on("upgrade", (response, socket, head) => {
      clearTimeout(timer);
      socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
      if (head.length > 0) socket.unshift(head);
      resolve({ response, connection: socket });
    });
    asked.end();
  });
}

async function readAnswer(
  response: IncomingMessage,
  connection: Duplex | undefined,
  url: URL,
  key: string,
): Promise<DialAnswer> {
  if (connection === undefined) {
    const body = await collect(response, url, longestRefusal);
    return { ok: false, response: messageOf(response, body) };
  }
  const { "sec-websocket-accept": accept, "sec-websocket-protocol": protocol } = response.headers;
  if (accept === acceptOf(key)) return { ok: true, connection, protocol };
  connection.destroy();
  throw new CliError("unverified", `${url.origin} answers as if it spoke WebSocket, but does not`);
}

function messageOf({ statusCode, headers }: IncomingMessage, body: string): HttpResponse {
  return { status: statusCode ?? 0, headers, body };
}
