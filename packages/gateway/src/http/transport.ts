// How requests come in and answers go out, whatever carries them. The data path and the sign-in
// know these interfaces alone. node-http1.ts implements them for HTTP/1.1 and node-http2.ts for
// HTTP/2; another transport is one more file beside them, held to the same suite
// (test/http/transport.test.ts).
//
// Bodies flow in both directions with back-pressure: who reads pauses the request's body, and who
// writes waits for `onDrain` after `write` returned false.
//
// Listeners are set as functions that exist already, never as literals (`onAbort = () => …`): V8
// allocates a function literal that is assigned to a property among the old objects, where it keeps
// all that it refers to until the next full collection (bench/README.md).
import type { Duplex } from "node:stream";

/** One request and the answer to it. */
export interface Exchange {
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly response: ResponseWriter;
  /** Called when the client goes away before it has the whole answer. At most once. */
  onAbort: (() => void) | undefined;
  /**
   * Takes a client that shuts its sending side to be gone at once. Without this it may be waiting
   * for its answer for a moment: nobody can tell the two apart. For answers that take long by
   * themselves, where it counts whether somebody waits.
   */
  abortWhenClientEnds(): void;
  /** Sends `100 Continue` to a client that waits for it with its body (RFC 9110 15.2.1). */
  continue(): void;
  /**
   * Goes on with `head.upgrade`: answers with this head (101; HTTP/2: 200) and gives the tunnel,
   * whose first bytes are those that the client did not wait to send. Each of its sides ends by
   * itself. Absent where the request asks for nothing else, and not after `response.start`.
   */
  upgrade?: (head: ResponseHead) => Duplex;
  /** Cuts the connection (HTTP/2: the stream). A client sees that its answer is not complete. */
  destroy(): void;
}

/** An exchange that may become a tunnel. */
export type UpgradeExchange = Exchange & Required<Pick<Exchange, "upgrade">>;

/** The head of a request as it arrived: nothing is joined, decoded or believed yet. */
export interface RequestHead {
  readonly method: string;
  /** request target: a path with its query, or an absolute URL */
  readonly target: string;
  readonly version: "1.0" | "1.1" | "2.0" | "other";
  /** names and values in turn, in the client's order and writing; `:authority` becomes `host` */
  readonly rawHeaders: readonly string[];
  /**
   * the protocol, lower-case, that the client asks to go on with, where this transport can: one
   * `Upgrade` with `Connection: upgrade` and no body (RFC 9110 7.8), or the `:protocol` of an
   * extended CONNECT, whose method reads GET here (RFC 8441)
   */
  readonly upgrade: string | undefined;
  /** the other end's address, IPv4-mapped IPv6 as IPv4; undefined on a Unix socket */
  readonly peer: string | undefined;
  /** a body follows of which no header tells, as HTTP/2 allows */
  readonly bodyFollows?: boolean;
}

/** The body of a request, in pieces as they arrive. Nothing flows before `read`. */
export interface RequestBody {
  /** whether its last byte has arrived, read or not; true where there is no body */
  readonly complete: boolean;
  /** Lets the body flow to a reader, in place of the one before. Not after the reader's `end`. */
  read(reader: BodyReader): void;
  /** Holds the client back until `resume`. */
  pause(): void;
  resume(): void;
  /** Takes the body from its reader, which gets nothing any more. */
  stop(): void;
}

/** Takes the pieces of a body. A client that goes away is told of by `onAbort`, not here. */
export interface BodyReader {
  data(chunk: Buffer): void;
  /** The body is complete. @param rawTrailers names and values in turn */
  end(rawTrailers: readonly string[]): void;
}

/** Status line and headers of an answer. */
export interface ResponseHead {
  status: number;
  /** undefined: the standard phrase of the status */
  reason?: string;
  /** names and values in turn; nothing hop-by-hop, which is the transport's own */
  rawHeaders: readonly string[];
  /** whether each of them is known to be one line, as one that was read from the wire */
  areLines?: boolean;
}

/**
 * The answer: `start`, any number of `write`, `end`. Without `Content-Length` the transport frames
 * the body. It drops what is written where an answer has no body (HEAD, 204, 304).
 */
export interface ResponseWriter {
  /** whether an answer has begun, so that no other can be given */
  readonly started: boolean;
  /** whether the client is gone, or has the whole answer */
  readonly closed: boolean;
  /** Called when the client takes more after `write` returned false. */
  onDrain: (() => void) | undefined;
  /**
   * Called with the status once the whole answer is handed to the network, or the tunnel closed.
   * Set before `start`.
   */
  onFinish: ((status: number) => void) | undefined;
  /**
   * Called, in place of `onFinish`, when the exchange ends before the whole answer is handed over:
   * the client went away, or the gateway cut it off. The status is that of an answer that had
   * begun. Set before `start`.
   */
  onCut: ((status: number | undefined) => void) | undefined;
  /**
   * The connection is not kept after this answer, and the client told so. Before `start`. Without
   * effect where each request has a stream of its own.
   */
  closeConnection(): void;
  /** Begins the answer. The head leaves with the first bytes of the body, or with `flush`. */
  start(head: ResponseHead): void;
  /** Sends the head now. */
  flush(): void;
  /**
   * Writes a piece of the body. The caller may overwrite the chunk afterwards.
   * @returns false when the caller should wait for `onDrain`
   */
  write(chunk: Buffer): boolean;
  /**
   * Ends the answer, in one write with the head where that has not left yet.
   * @param last the rest of the body; the caller may overwrite the bytes afterwards
   * @param rawTrailers names and values in turn; only a chunked body can have some
   */
  end(last?: string | Buffer, rawTrailers?: readonly string[]): void;
}
