// What the data path asks of an origin, whatever protocol the origin speaks: one request, its body
// in pieces, and the events of its answer. OriginConnection does it over HTTP/1.1, Http2Request
// over HTTP/2.
import type { ResponseEvents } from "./response-reader.ts";

/** Why an origin did not answer, or not to the end. */
export type OriginFault =
  | "unreachable"
  | "connect_timeout"
  | "response_timeout"
  | "closed"
  | "malformed";

/** The head of a request, as data: each protocol has its own way to write it. */
export interface OriginRequestHead {
  method: string;
  /** path and query, beginning with a slash */
  target: string;
  /** names and values in turn, `Host` first; nothing hop-by-hop */
  rawHeaders: readonly string[];
  /** `length`: a `Content-Length` states it; `chunked`: the length shows at the end */
  framing: "none" | "length" | "chunked";
  /** the body waits for `100 Continue` */
  expectsContinue: boolean;
}

/** What happens to one request at the origin. After `end` or `fail` nothing more happens to it. */
export interface OriginEvents extends ResponseEvents {
  /** What arrived together has been handed over, and the answer is not complete yet. */
  flush(): void;
  /** No more will come. @param detail for the log */
  fail(fault: OriginFault, detail: string): void;
  /** The origin takes more of the request's body. */
  drain(): void;
}

/** One request at an origin. */
export interface OriginRequest {
  /** whether its connection has served another request: the origin may be closing it just now */
  readonly reused: boolean;
  /** whether a byte of the answer has arrived */
  readonly answered: boolean;
  /** whether the origin says that it did not look at the request, which can be sent once more */
  readonly refused: boolean;
  /** Sends the head, which is all of the request where its framing is `none`. */
  start(head: OriginRequestHead, events: OriginEvents): void;
  /**
   * Writes a piece of the body.
   * @returns false when the caller should wait for `drain`
   */
  write(chunk: Buffer): boolean;
  /**
   * The body is complete.
   * @param rawTrailers names and values in turn; dropped where the length was stated
   */
  end(rawTrailers: readonly string[]): void;
  /** The request is complete: the origin has `ms` to begin its answer. */
  expectAnswer(ms: number): void;
  /** Holds the answer back until `resume`. */
  pause(): void;
  resume(): void;
  /** After the events' `end`: nothing of the request is left, its connection may serve another. */
  keep(): void;
  /** Ends the request, to which nothing happens any more. */
  destroy(): void;
}

/** Where requests to one service are made. */
export interface OriginPool {
  /** Whether a request must wait: the service gets as many at once as it may. */
  readonly isFull: boolean;
  /**
   * Calls back once `isFull` is false, to those who wait in turn.
   * @returns a function that leaves the line
   */
  whenFree(take: () => void): () => void;
  /**
   * Room for one request, on a connection that stands or on a new one.
   * @param isRepeatable whether the request may fail because the origin is just closing the
   * connection: it is sent once more
   */
  take(isRepeatable: boolean): OriginRequest;
}
