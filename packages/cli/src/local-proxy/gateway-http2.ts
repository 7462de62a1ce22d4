// Requests to the gateway as streams of one HTTP/2 connection (RFC 9113), and the watch over it: a
// connection that died without a word must not keep requests waiting.
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { connect, constants } from "node:http2";
import type { Socket } from "node:net";
import {
  type GatewayAnswer,
  GatewayFault,
  type GatewayHead,
  type GatewayRequest,
  type OnInformation,
} from "./gateway-request.ts";
import { fieldsIn, type RawFields } from "./header-fields.ts";

/** A stream is given this much ahead of its reader, so that one round trip does not brake it. */
const streamWindow = 1024 * 1024;
const sessionWindow = 16 * 1024 * 1024;
/** Megabytes of its own state; the default, 10, refuses streams where many are open. */
const maxSessionMemory = 100;
/** How often the other side is asked whether it is alive; no answer until the next time is no. */
const pingInterval = 15_000;

/** One connection, for any number of requests. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #authority: string;
  readonly #watch: NodeJS.Timeout;
  #streams = 0;
  #awaitsPong = false;

  /** @param socket on which HTTP/2 was agreed */
  constructor(socket: Socket, url: URL) {
    this.#authority = url.host;
    this.#session = connect(url, {
      createConnection: () => socket,
      maxSessionMemory,
      settings: { enablePush: false, initialWindowSize: streamWindow },
    });
    this.#session.once("connect", () => this.#session.setLocalWindowSize(sessionWindow));
    // Each stream hears of it by itself.
    this.#session.on("error", () => {});
    this.#session.once("close", () => clearInterval(this.#watch));
    this.#watch = setInterval(this.#look, pingInterval).unref();
  }

  /** Whether another request can be sent. */
  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Sends the head of a request. */
  request(head: GatewayHead, onInformation: OnInformation): GatewayRequest {
    const { hasBody } = head;
    const stream = this.#session.request(headersOf(this.#authority, head), {
      endStream: !hasBody,
      waitForTrailers: hasBody,
    });
    this.#streams += 1;
    stream.once("close", () => {
      this.#streams -= 1;
    });
    return requestOf(stream, onInformation);
  }

  close(): void {
    this.#session.destroy();
  }

  /** One that nobody uses is closed: after a sleep of the machine it would be dead. */
  readonly #look = (): void => {
    if (this.#streams === 0) this.#session.close();
    else if (this.#awaitsPong) this.#session.destroy(new Error("it does not answer any more"));
    else this.#ping();
  };

  #ping(): void {
    this.#awaitsPong = true;
    this.#session.ping(() => {
      this.#awaitsPong = false;
    });
  }
}

function requestOf(stream: ClientHttp2Stream, onInformation: OnInformation): GatewayRequest {
  let trailers: OutgoingHttpHeaders = {};
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.on("continue", () => onInformation(100, []));
  stream.on("headers", (fields) => {
    const { ":status": status = 0 } = fields;
    // Node tells of 100 by an event of its own as well.
    if (status !== 100) onInformation(status, rawOf(fields));
  });
  return {
    body: stream,
    answer: answerOf(stream),
    trail: (raw) => {
      trailers = objectOf(raw);
    },
    cancel: () => stream.close(constants.NGHTTP2_CANCEL),
  };
}

function headersOf(authority: string, head: GatewayHead): OutgoingHttpHeaders {
  const { method, path, fields, contentLength, expectsContinue, wantsTrailers } = head;
  const headers = objectOf(fields);
  headers[":method"] = method;
  headers[":scheme"] = "https";
  headers[":authority"] = authority;
  headers[":path"] = path;
  if (contentLength !== undefined) headers["content-length"] = contentLength;
  if (expectsContinue) headers["expect"] = "100-continue";
  if (wantsTrailers) headers["te"] = "trailers";
  return headers;
}

/** A field that stands there several times becomes a list. */
function objectOf(raw: RawFields): OutgoingHttpHeaders {
  const values = new Map<string, string[]>();
  for (const { lower, value } of fieldsIn(raw))
    values.set(lower, [...(values.get(lower) ?? []), value]);
  const headers: OutgoingHttpHeaders = {};
  for (const [name, [first = "", ...more]] of values)
    headers[name] = more.length === 0 ? first : [first, ...more];
  return headers;
}

function rawOf(headers: Record<string, unknown>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (name.startsWith(":")) return [];
    return [value].flat().flatMap((each) => [name, String(each)]);
  });
}

function answerOf(stream: ClientHttp2Stream): Promise<GatewayAnswer> {
  let trailers: RawFields = [];
  stream.on("trailers", (fields) => {
    trailers = rawOf(fields);
  });
  return new Promise((resolve, reject) => {
    stream.on("response", (headers) =>
      resolve({
        status: headers[":status"] ?? 0,
        reason: "",
        fields: rawOf(headers),
        body: stream,
        trailers: () => trailers,
      }),
    );
    stream.on("error", ({ message }) => reject(faultOf(stream, message)));
    stream.on("close", () => reject(faultOf(stream, "it ended the stream without an answer")));
  });
}

/** A stream that was refused was not read (RFC 9113 8.7). */
function faultOf({ rstCode }: ClientHttp2Stream, message: string): GatewayFault {
  return new GatewayFault(message, rstCode === constants.NGHTTP2_REFUSED_STREAM);
}
