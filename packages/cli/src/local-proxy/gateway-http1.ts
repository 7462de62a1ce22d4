// A request to the gateway over HTTP/1.1 (RFC 9112).
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  type GatewayAnswer,
  GatewayFault,
  type GatewayHead,
  type GatewayRequest,
  type OnInformation,
} from "./gateway-request.ts";
import { pairsOf, type RawFields } from "./header-fields.ts";

/** Methods that may be sent twice (RFC 9110 9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** Methods whose body every server expects, so that its absence is said (RFC 9110 8.6). */
const expectsBody = new Set(["POST", "PUT", "PATCH"]);

/**
 * Sends the head.
 * @param agent makes and keeps the connections
 * @param host for `Host`
 */
export function requestOverHttp1(
  agent: http.Agent,
  host: string,
  head: GatewayHead,
  onInformation: OnInformation,
): GatewayRequest {
  const { method, path } = head;
  const headers = ["Host", host, ...head.fields, ...framing(head)];
  const request = http.request({ agent, method, path, headers });
  request.on("information", ({ statusCode, rawHeaders }) => onInformation(statusCode, rawHeaders));
  request.flushHeaders();
  return {
    body: request,
    answer: answerOf(request, method),
    trail: (trailers) => request.addTrailers(pairsOf(trailers)),
    cancel: () => void request.destroy(),
  };
}

function framing({
  method,
  contentLength,
  hasBody,
  expectsContinue,
  wantsTrailers,
}: GatewayHead): string[] {
  const fields: string[] = [];
  if (contentLength !== undefined) fields.push("Content-Length", contentLength);
  else if (hasBody) fields.push("Transfer-Encoding", "chunked");
  else if (expectsBody.has(method)) fields.push("Content-Length", "0");
  if (expectsContinue) fields.push("Expect", "100-continue");
  if (wantsTrailers) fields.push("TE", "trailers");
  return fields;
}

function answerOf(request: ClientRequest, method: string): Promise<GatewayAnswer> {
  return new Promise((resolve, reject) => {
    request.on("response", (response) => resolve(readAnswer(response)));
    request.on("error", (error) => {
      // A connection that was kept may be closed at the moment in which it is used again.
      const unread = request.reusedSocket && idempotent.has(method);
      reject(new GatewayFault(error.message, unread));
    });
  });
}

function readAnswer(response: IncomingMessage): GatewayAnswer {
  const { statusCode = 0, statusMessage = "", rawHeaders } = response;
  return {
    status: statusCode,
    reason: statusMessage,
    fields: rawHeaders,
    body: response,
    trailers: () => response.rawTrailers,
  };
}

/** What became of an upgrade: a tunnel, or an ordinary answer. */
export type UpgradeAnswer =
  | { kind: "tunnel"; reason: string; fields: RawFields; socket: Duplex; first: Buffer }
  | { kind: "answer"; answer: GatewayAnswer };

/** An upgrade that is under way. */
export interface UpgradeRequest {
  /** @throws {GatewayFault} */
  answer: Promise<UpgradeAnswer>;
  cancel(): void;
}

/**
 * Asks the gateway to go on with another protocol.
 * @param socket a connection of its own
 * @param protocol the value of `Upgrade`
 */
export function upgradeOverHttp1(
  socket: Duplex,
  host: string,
  { method, path, fields }: Pick<GatewayHead, "method" | "path" | "fields">,
  protocol: string,
): UpgradeRequest {
  const headers = ["Host", host, ...fields, "Connection", "Upgrade", "Upgrade", protocol];
  const request = http.request({ method, path, headers, createConnection: () => socket });
  request.end();
  const answer = new Promise<UpgradeAnswer>((resolve, reject) => {
    request.on("upgrade", ({ statusMessage = "", rawHeaders }, tunnel, first) =>
      resolve({ kind: "tunnel", reason: statusMessage, fields: rawHeaders, socket: tunnel, first }),
    );
    request.on("response", (response) => resolve({ kind: "answer", answer: readAnswer(response) }));
    request.on("error", ({ message }) => reject(new GatewayFault(message, false)));
  });
  return { answer, cancel: () => void request.destroy() };
}
