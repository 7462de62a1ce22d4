// The HTTP/2 side of a listener: sessions over sockets that speak it, their limits, and how they
// end. nghttp2 ends what floods it; what it does not know is looked at here from time to time: who
// is silent, who takes nothing of an answer, and who is left when the server itself ends. Looks are
// counted, not milliseconds, as in connections.ts.
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerSessionOptions,
} from "node:http2";
import type { Socket } from "node:net";
import { canonicalPeer } from "../network.ts";
import type { RecordEvent } from "../observe/events.ts";
import { readHead } from "./http2-head.ts";
import { NodeHttp2Exchange, NodeHttp2Upgrade } from "./node-http2.ts";
import type { ServerLimits } from "./server-limits.ts";
import { outliveStream } from "./session-outlives-streams.ts";
import type { Exchange } from "./transport.ts";

/** What sessions need to know, and whom they tell. */
export interface Http2Options {
  limits: ServerLimits;
  /** every request that nghttp2 lets through */
  handler: (exchange: Exchange) => void;
  record: RecordEvent;
}

/**
 * Fields of one request beyond which nghttp2 resets its stream. Up to here the answer says what is
 * wrong: read-request.ts refuses long before.
 */
const fieldLimit = 1_024;
/** Bytes that a field counts beside its name and its value (RFC 9113 6.5.2). */
const fieldOverhead = 32;
/** Bytes of a body that wait for its reader, at most: what one stream makes the gateway keep. */
const streamWindow = 262_144;
/** The same for all streams of a session, which are read at once and only delay each other. */
const sessionWindow = 1_048_576;
/**
 * Streams beyond `http2_streams` that are refused before the connection ends: a client begins with
 * as many as it likes, and learns the number with the answer.
 */
const refusedStreamLimit = 1_000;

/** Looks within the shortest of the limits. */
const looksOfLimit = 4;
/** Silence after which TCP asks whether the client is still there. */
const keepAliveMs = 60_000;
/** How often sessions are looked at while the server drains. */
const drainLookMs = 100;
/** Looks that a client has to close its side once the session has ended. */
const closingLooks = 20;

/** What was last seen of a stream. */
interface StreamActivity {
  exchange: NodeHttp2Exchange;
  /** pieces of the answer that the client had taken */
  taken: number;
  /** bytes of the answer that wait */
  waiting: number;
  /** milliseconds since one of these was another number, or nothing waited */
  stuck: number;
}

/** What was last seen of a session. */
interface SessionActivity {
  socket: Socket;
  streams: Map<ServerHttp2Stream, StreamActivity>;
  /** whether it had a request yet */
  hadStream: boolean;
  /** milliseconds without a stream */
  idle: number;
  /** looks since its last stream has ended and it takes no other one */
  closingLooks: number;
}

/** The HTTP/2 sessions of one listener. */
export class Http2Sessions {
  readonly #options: Http2Options;
  readonly #sessionOptions: ServerSessionOptions;
  readonly #sessions = new Map<ServerHttp2Session, SessionActivity>();
  readonly #lookMs: number;
  readonly #look: NodeJS.Timeout;
  #drainLook: NodeJS.Timeout | undefined;

  constructor(options: Http2Options) {
    this.#options = options;
    const { limits } = options;
    this.#sessionOptions = sessionOptions(limits);
    const { header_timeout, idle_timeout, body_timeout } = limits;
    this.#lookMs = Math.min(header_timeout, idle_timeout, body_timeout) / looksOfLimit;
    this.#look = setInterval(() => this.#lookAtAll(), this.#lookMs);
    this.#look.unref();
  }

  /** Takes over a connection on which HTTP/2 begins; bytes that were read of it are back on it. */
  accept(socket: Socket): void {
    if (socket.destroyed) return;
    const peer =
      socket.remoteAddress === undefined ? undefined : canonicalPeer(socket.remoteAddress);
    const session = performServerHandshake(socket, this.#sessionOptions);
    const activity = newActivity(socket);
    this.#sessions.set(session, activity);
    session.setLocalWindowSize(sessionWindow);
    session.on("stream", (stream, _headers, flags, rawHeaders) => {
      const { header_bytes } = this.#options.limits;
      if (listSize(rawHeaders) > header_bytes) return refuse(stream);
      const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      // Trailers may follow.
      if (!isWhole) {
        outliveStream(session, stream);
        boundTrailers(stream, header_bytes);
      }
      const head = readHead(rawHeaders, isWhole, peer);
      const Kind = head.upgrade === undefined ? NodeHttp2Exchange : NodeHttp2Upgrade;
      this.#begin(session, activity, stream, new Kind(stream, head));
    });
    session.on("error", (error) => {
      if (!isBreach(error)) return;
      this.#options.record({ event: "http2_ended", ip: peer ?? "unix", error: error.message });
    });
    session.once("close", () => this.#sessions.delete(session));
    socket.once("close", () => this.#sessions.delete(session));
    // A session whose tunnels are silent has nothing else to tell that its client is gone.
    socket.setKeepAlive(true, keepAliveMs);
    // Who ends its side of an HTTP/2 connection waits for nothing.
    socket.once("end", () => session.destroy());
  }

  /**
   * From now on a session ends with the requests that it has by now, or with its first one. The
   * client is told which those are, and asks for others again on another connection (RFC 9113 6.8).
   * @returns resolves when nobody is left who was connected before
   */
  drain(): Promise<void> {
    this.#drainLook ??= setInterval(() => this.#cutClosed(), drainLookMs);
    const ends = [...this.#sessions].map(([session, { socket }]) => {
      const end = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      session.close();
      return end;
    });
    return Promise.all(ends).then(() => undefined);
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const { socket } of this.#sessions.values()) socket.destroy();
  }

  /** Looks at them no more. */
  stop(): void {
    clearInterval(this.#look);
    clearInterval(this.#drainLook);
  }

  #begin(
    session: ServerHttp2Session,
    activity: SessionActivity,
    stream: ServerHttp2Stream,
    exchange: NodeHttp2Exchange,
  ): void {
    activity.hadStream = true;
    activity.streams.set(stream, { exchange, taken: 0, waiting: 0, stuck: 0 });
    stream.once("close", () => {
      activity.streams.delete(stream);
      activity.idle = 0;
    });
    if (this.#drainLook !== undefined) session.close();
    this.#options.handler(exchange);
  }

  #lookAtAll(): void {
    for (const [session, activity] of this.#sessions) {
      this.#endIdle(session, activity);
      for (const [stream, each] of activity.streams)
        this.#cutUntaken(activity.socket, stream, each);
    }
  }

  #endIdle(session: ServerHttp2Session, activity: SessionActivity): void {
    const { header_timeout, idle_timeout } = this.#options.limits;
    activity.idle = activity.streams.size === 0 ? activity.idle + this.#lookMs : 0;
    const limit = activity.hadStream ? idle_timeout : header_timeout;
    if (activity.idle < limit) return;
    if (session.closed) activity.socket.destroy();
    else session.close();
  }

  /** Ends a stream whose client takes nothing of its answer. */
  #cutUntaken(socket: Socket, stream: ServerHttp2Stream, activity: StreamActivity): void {
    // As in connections.ts: the client of a tunnel may take nothing for any time.
    if (activity.exchange.response.isTunnel) return;
    const { taken } = activity.exchange.response;
    const { writableLength } = stream;
    const isSame = taken === activity.taken && writableLength === activity.waiting;
    const isOver = stream.closed || stream.writableEnded;
    const isStuck = (writableLength > 0 || isOver) && isSame;
    activity.taken = taken;
    activity.waiting = writableLength;
    activity.stuck = isStuck ? activity.stuck + this.#lookMs : 0;
    if (activity.stuck < this.#options.limits.body_timeout) return;
    // A stream that was cut off already is still here where nothing leaves the socket itself.
    if (stream.closed && writableLength > 0) socket.destroy();
    else if (stream.closed) stream.destroy();
    else activity.exchange.destroy();
  }

  /** Cuts the connections of clients that do not end their side of it. */
  #cutClosed(): void {
    for (const [session, activity] of this.#sessions) {
      if (activity.streams.size > 0 || !session.closed) continue;
      activity.closingLooks++;
      if (activity.closingLooks === closingLooks) activity.socket.destroy();
    }
  }
}

function sessionOptions(limits: ServerLimits): ServerSessionOptions {
  return {
    maxHeaderListPairs: fieldLimit,
    maxSessionRejectedStreams: refusedStreamLimit,
    // What an origin says twice reaches the client twice, as over HTTP/1.1.
    strictSingleValueFields: false,
    settings: {
      maxConcurrentStreams: limits.http2_streams,
      maxHeaderListSize: limits.header_bytes,
      initialWindowSize: streamWindow,
      enableConnectProtocol: true,
    },
  } as ServerSessionOptions;
}

/** Resets a stream with the word that nghttp2 has for a header list that is too large. */
function refuse(stream: ServerHttp2Stream): void {
  // The reset is all that there is to tell of it.
  stream.on("error", () => undefined);
  stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/** Trailers are held to the limit of heads. */
function boundTrailers(stream: ServerHttp2Stream, limit: number): void {
  stream.on("trailers", (_trailers: unknown, _flags: unknown, rawTrailers: readonly string[]) => {
    if (listSize(rawTrailers) > limit) refuse(stream);
  });
}

/**
 * Bytes of a header list, as RFC 9113 6.5.2 counts them. nghttp2 holds a client to the limit once
 * the client has acknowledged it, which one that means harm never does.
 */
function listSize(rawHeaders: readonly string[]): number {
  let size = rawHeaders.length * (fieldOverhead / 2);
  for (const text of rawHeaders) size += text.length;
  return size;
}

/** Whether the client broke the rules: it may also be gone, or have found fault with us. */
function isBreach({ code = "" }: NodeJS.ErrnoException): boolean {
  return code.startsWith("ERR_HTTP2_") && code !== "ERR_HTTP2_SESSION_ERROR";
}

function newActivity(socket: Socket): SessionActivity {
  return {
    socket,
    streams: new Map(),
    hadStream: false,
    idle: 0,
    closingLooks: 0,
  };
}
