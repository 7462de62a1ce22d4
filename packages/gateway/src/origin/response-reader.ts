// Reads an origin's answers (RFC 9112) from the bytes as they arrive: one grammar and no tolerance,
// since what two programs read differently ends up in somebody else's answer. Made once for a
// connection, started for each request.
import { endOfLine, ResponseFault, readFields, saysLength } from "./response-fields.ts";
import {
  type Framing,
  headLimit,
  type OriginResponseHead,
  readFraming,
  refuseAnnouncedBody,
} from "./response-head.ts";
import { UnreadBytes } from "./unread-bytes.ts";

/** What is read, in the order of the bytes. */
export interface ResponseEvents {
  /** A 1xx answer has arrived, ahead of the answer proper. */
  information(status: number, rawHeaders: string[]): void;
  head(head: OriginResponseHead): void;
  /** @param chunk is overwritten after the call: copy what has to stay */
  data(chunk: Buffer): void;
  /** The answer is complete; no other call follows. @param rawTrailers names and values in turn */
  end(rawTrailers: string[]): void;
}

const lineLimit = 4_096;
const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");

type State =
  | "head"
  | "length"
  | "close"
  | "chunk-size"
  | "chunk-data"
  | "chunk-end"
  | "trailers"
  | "done";

/** Reads one answer after the other; `start` says to which request the next one belongs. */
export class ResponseReader {
  #state: State = "done";
  #method = "GET";
  #mayUpgrade = false;
  #events: ResponseEvents | undefined;
  /** the beginning of something whose end has not arrived */
  readonly #fragment = new UnreadBytes();
  /** bytes of the fragment in which its end was looked for */
  #searched = 0;
  /** bytes of the body, or of the chunk, that are still to come */
  #remaining = 0;

  /**
   * Expects the answer to a request of this method.
   * @param mayUpgrade whether 101 is an answer: it has no end, and what follows it is its data
   */
  start(method: string, events: ResponseEvents, mayUpgrade = false): void {
    this.#state = "head";
    this.#method = method;
    this.#events = events;
    this.#fragment.clear();
    this.#searched = 0;
    this.#mayUpgrade = mayUpgrade;
  }

  /**
   * Takes what arrived.
   * @returns how many bytes at the end belong to no answer
   * @throws {ResponseFault}
   */
  read(arrived: Buffer): number {
    const bytes = this.#fragment.followedBy(arrived);
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      const next = this.#step(bytes, at);
      if (next === at) {
        this.#fragment.keep(bytes, at);
        this.#searched = bytes.length - at;
        return 0;
      }
      this.#searched = 0;
      at = next;
    }
    this.#fragment.clear();
    return bytes.length - at;
  }

  /** The connection has ended. @returns whether that completed the answer */
  close(): boolean {
    if (this.#state !== "close") return false;
    this.#finish([]);
    return true;
  }

  /**
   * Takes one piece.
   * @returns where the next one begins; `at` itself when more must arrive first
   */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes, at);
      case "length":
      case "chunk-data":
        return this.#readBody(bytes, at);
      case "close":
        this.#events?.data(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case "chunk-size":
        return this.#readChunkSize(bytes, at);
      case "chunk-end":
        return this.#readChunkEnd(bytes, at);
      case "trailers":
        return this.#readTrailers(bytes, at);
      case "done":
        return at;
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    // 1. All of it must be here.
    const end = this.#find(headEnd, bytes, at);
    if (end < 0 || end - at > headLimit) {
      if (bytes.length - at > headLimit)
        throw new ResponseFault("the head of the answer is longer than 64 KiB");
      return at;
    }
    const next = end + headEnd.length;

    // 2. Status line and headers.
    const lineStop = endOfLine(bytes, at);
    const { status, reason, isHttp10 } = readStatusLine(bytes.toString("latin1", at, lineStop));
    const { rawHeaders, names } = readFields(
      bytes,
      lineStop + lineEnd.length,
      end + lineEnd.length,
    );

    // 3. An informational answer precedes the answer proper.
    if (status === 101 && !this.#mayUpgrade)
      throw new ResponseFault("the answer switches protocols, which was not requested");
    const head: OriginResponseHead = {
      status,
      reason,
      rawHeaders,
      names,
      persistent: !isHttp10,
      keepAliveSeconds: Number.POSITIVE_INFINITY,
      chunked: false,
    };
    if (status >= 200) {
      this.#beginBody(head, readFraming(head));
    } else if (status === 101) {
      refuseAnnouncedBody(readFraming(head));
      this.#state = "close";
      this.#events?.head(head);
    } else {
      refuseAnnouncedBody(readFraming(head));
      this.#events?.information(status, rawHeaders);
    }
    return next;
  }

  /** Works out how long the body is (RFC 9112 section 6.3). */
  #beginBody(head: OriginResponseHead, framing: Framing): void {
    if (head.status === 204) refuseAnnouncedBody(framing);
    const isBodiless = this.#method === "HEAD" || head.status === 204 || head.status === 304;
    // An origin that sends a body all the same sends it into the next answer (case H9). Whether it
    // does shows only when it is too late.
    if (framing.kind === "close" || isBodiless) head.persistent = false;
    head.chunked = framing.kind === "chunked";
    this.#state = framing.kind === "chunked" ? "chunk-size" : framing.kind;
    this.#remaining = framing.kind === "length" ? framing.length : 0;
    const isEmpty = isBodiless || (framing.kind === "length" && framing.length === 0);
    this.#events?.head(head);
    if (isEmpty) this.#finish([]);
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#remaining);
    this.#remaining -= end - at;
    this.#events?.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#remaining === 0) {
      if (this.#state === "length") this.#finish([]);
      else this.#state = "chunk-end";
    }
    return end;
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    const end = this.#find(lineEnd, bytes, at);
    if (end < 0) {
      if (bytes.length - at > lineLimit)
        throw new ResponseFault("the size of a chunk is not a number");
      return at;
    }
    const [, digits] = chunkSize.exec(bytes.toString("latin1", at, end)) ?? [];
    if (digits === undefined) throw new ResponseFault("the size of a chunk is not a number");
    this.#remaining = Number.parseInt(digits, 16);
    this.#state = this.#remaining === 0 ? "trailers" : "chunk-data";
    return end + lineEnd.length;
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    if (bytes.length - at < lineEnd.length) return at;
    if (bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a)
      throw new ResponseFault("a chunk is longer than its size says");
    this.#state = "chunk-size";
    return at + lineEnd.length;
  }

  #readTrailers(bytes: Buffer, at: number): number {
    if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) {
      this.#finish([]);
      return at + lineEnd.length;
    }
    const end = this.#find(headEnd, bytes, at);
    if (end < 0 || end - at > headLimit) {
      if (bytes.length - at > headLimit)
        throw new ResponseFault("the trailers are longer than 64 KiB");
      return at;
    }
    const { rawHeaders, names } = readFields(bytes, at, end + lineEnd.length);
    // Some readers begin another body there (RFC 9110 section 6.5.1).
    if (names.some(saysLength)) throw new ResponseFault("a trailer says how long the answer is");
    this.#finish(rawHeaders);
    return end + headEnd.length;
  }

  /** Looks for an end where none was looked for yet: a head may come byte by byte. */
  #find(mark: Buffer, bytes: Buffer, at: number): number {
    const from = Math.max(0, this.#searched - mark.length + 1);
    return bytes.indexOf(mark, at + from);
  }

  #finish(rawTrailers: string[]): void {
    this.#state = "done";
    this.#events?.end(rawTrailers);
  }
}

/** @throws {ResponseFault} when it is none of HTTP/1 */
function readStatusLine(line: string): { status: number; reason: string; isHttp10: boolean } {
  if (!statusLine.test(line))
    throw new ResponseFault("the answer does not begin with an HTTP/1 status line");
  return {
    status: Number(line.slice(9, 12)),
    reason: line.slice(13),
    isHttp10: line.startsWith("HTTP/1.0"),
  };
}

const statusLine = /^HTTP\/1\.[01] [1-9]\d\d(?: |$)/;
/**
 * Extensions are `;name`, `;name=value` or `;name="value"`, without blanks: readers differ in what
 * else they take for one, and so in where the chunk begins.
 */
const chunkSize =
  /^([0-9A-Fa-f]{1,12})(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[\t !#-[\]-~]|\\[\t -~])*"))?)*$/;
