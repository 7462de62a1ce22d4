// One HTTP/2 session with an origin, over a connection of its own. Nothing of a request leaves
// before the origin's SETTINGS have arrived: they say that it speaks HTTP/2, and how many streams
// it takes. What a hostile origin sends costs this session alone: node:http2 bounds heads,
// CONTINUATION frames and acknowledgements, and no push is allowed.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
} from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { outliveStream } from "../http/session-outlives-streams.ts";
import type { Dial } from "./origin-connection.ts";
import type { OriginFault } from "./origin-request.ts";
import { headLimit } from "./response-head.ts";

/** Streams of one session at most, whatever the origin allows; then another session begins. */
const streamLimit = 100;
/**
 * Bytes of one answer that the origin may send ahead of its reader: what a client that takes
 * nothing makes the gateway keep.
 */
const streamWindow = 1_048_576;
/**
 * Bytes of all answers that may be on their way at once. It bounds no memory: node:http2 opens it
 * again as bytes arrive, and the windows of the streams hold back what nobody reads.
 */
const sessionWindow = 16_777_216;
/** A silent connection is asked by TCP whether the other end is still there. */
const keepAliveDelay = 60_000;

/** A request that is to become a stream. */
export interface WaitingRequest {
  /** The session stands: the request can be sent. */
  submit(): void;
  /** The session came to nothing, and the request was never sent. */
  fail(fault: OriginFault, detail: string): void;
  /** Another session will send it. */
  moveTo(session: OriginSession): void;
}

/** Of the pool that a session belongs to. */
export interface SessionOptions {
  scheme: "http" | "https";
  /** milliseconds until the origin's SETTINGS must be here */
  connectTimeout: number;
  /** A request is over: another one may have room. */
  onRelease: () => void;
  /** The session takes no request any more. */
  onRetire: (session: OriginSession) => void;
  /** The origin takes fewer streams than were promised before it had said so. */
  onSurplus: (request: WaitingRequest) => void;
}

/** Serves many requests at a time, each as a stream. */
export class OriginSession {
  /** when its last stream ended, `performance.now()` */
  idleSince = performance.now();
  /** whether a request on it has ended before */
  reused = false;
  readonly #options: SessionOptions;
  readonly #session: ClientHttp2Session;
  readonly #waiting = new Set<WaitingRequest>();
  readonly #connectDeadline: NodeJS.Timeout;
  /** streams that there are, and those that were promised */
  #streams = 0;
  #streamLimit = streamLimit;
  #connected = false;
  #stands = false;
  #retired = false;
  /** streams above it were not looked at (RFC 9113 6.8) */
  #lastStreamId = Number.POSITIVE_INFINITY;

  constructor(dial: Dial, options: SessionOptions) {
    this.#options = options;
    this.#session = connect(`${options.scheme}://origin`, {
      ...sessionOptions,
      createConnection: () => dial().setKeepAlive(true, keepAliveDelay),
    });
    this.#listen(this.#session);
    const { connectTimeout } = options;
    this.#connectDeadline = setTimeout(() => {
      const what = this.#connected ? "no HTTP/2 settings" : "no connection";
      this.#break("connect_timeout", `${what} within ${connectTimeout} ms`);
    }, connectTimeout);
  }

  /** Whether it can take another request. */
  get hasRoom(): boolean {
    return !this.#retired && this.#streams < this.#streamLimit;
  }

  /** Whether it serves nobody. */
  get isIdle(): boolean {
    return this.#streams === 0;
  }

  /** Promises room to a request, which it must `release`. */
  reserve(): void {
    this.#streams++;
  }

  release(): void {
    this.#streams--;
    this.reused = true;
    this.idleSince = performance.now();
    if (this.#retired && this.isIdle) this.#session.destroy();
    this.#options.onRelease();
  }

  /** Has the request sent once the session stands: at once, or later. */
  whenStanding(request: WaitingRequest): void {
    if (this.#stands) request.submit();
    else this.#waiting.add(request);
  }

  /** The request that waits is given up. */
  leave(request: WaitingRequest): void {
    this.#waiting.delete(request);
  }

  /** Opens a stream. @param headers names and values in turn, pseudo-headers first */
  open(headers: string[], options: ClientSessionRequestOptions): ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    // An origin that cuts a header block in its middle would otherwise end the process.
    outliveStream(this.#session, stream);
    return stream;
  }

  /** Whether the origin says that it has not looked at a stream. */
  hasRefused({ id, rstCode }: ClientHttp2Stream): boolean {
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
    return id !== undefined && id > this.#lastStreamId;
  }

  /** Whether its connection is gone. */
  get isOver(): boolean {
    return this.#session.destroyed;
  }

  /** Takes no new request, and ends with the last one. */
  close(): void {
    this.#retired = true;
    if (this.isIdle) this.#session.destroy();
  }

  #listen(session: ClientHttp2Session): void {
    session.on("connect", (_session, socket) => this.#connect(socket));
    session.on("remoteSettings", ({ maxConcurrentStreams = streamLimit }) => {
      this.#streamLimit = Math.min(streamLimit, maxConcurrentStreams);
      this.#stand();
    });
    session.on("goaway", (_code, lastStreamId) => {
      this.#lastStreamId = lastStreamId;
      this.#retire();
    });
    session.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    session.on("close", () => this.#break("closed", "the origin ended what was to be HTTP/2"));
  }

  #connect(socket: Socket | TLSSocket): void {
    this.#connected = true;
    if ("encrypted" in socket && socket.alpnProtocol !== "h2")
      this.#break("malformed", noAgreement);
    else this.#session.setLocalWindowSize(sessionWindow);
  }

  #stand(): void {
    if (this.#stands) return;
    this.#stands = true;
    clearTimeout(this.#connectDeadline);
    // One at the least, which then waits until the origin takes streams.
    let room = Math.max(this.#streamLimit, 1);
    for (const request of this.#waiting) {
      room -= 1;
      if (room >= 0) request.submit();
      else this.#options.onSurplus(request);
    }
    this.#waiting.clear();
  }

  #failed({ code = "", message }: NodeJS.ErrnoException): void {
    if (code === "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL")
      this.#break("malformed", noAgreement);
    else if (!this.#connected) this.#break("unreachable", code === "" ? message : code);
    else if (code === "ERR_HTTP2_ERROR")
      this.#break("malformed", "the origin does not speak HTTP/2: its first bytes are no SETTINGS");
    else this.#break("closed", code === "" ? message : code);
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#options.onRetire(this);
  }

  /** Ends the session. Requests that were sent learn of it by their streams. */
  #break(fault: OriginFault, detail: string): void {
    clearTimeout(this.#connectDeadline);
    this.#retire();
    this.#session.destroy();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const request of waiting) request.fail(fault, detail);
  }
}

const noAgreement = "the origin does not speak HTTP/2: TLS did not agree on h2 (ALPN)";

const sessionOptions = {
  settings: {
    enablePush: false,
    initialWindowSize: streamWindow,
    maxHeaderListSize: headLimit,
  },
  maxHeaderListPairs: 1_000,
  // What clients may send, and the assertion.
  maxSendHeaderBlockLength: 2 * headLimit,
  // Megabytes, in place of 10: node:http2 refuses streams above it.
  maxSessionMemory: 256,
  // A header that a client sent twice goes on twice, as over HTTP/1.1.
  strictSingleValueFields: false,
};
