// Reads a client's requests (RFC 9112) from the bytes as they arrive: one grammar and no tolerance.
// What could be read in two ways is a fault, and nothing after it is read: the next program might
// see another request there. Made once for a connection; reads one request after the other.
import { type ExtensionPhase, nextExtensionPhase } from "./chunk-extensions.ts";
import { HeadScanner } from "./head-scanner.ts";
import type { MessageFault } from "./message-fault.ts";
import { type MessageHead, readFraming } from "./request-framing.ts";

/** What is read, in the order of the bytes. */
export interface RequestEvents {
  head(head: MessageHead): void;
  /** @param chunk may be overwritten after the call: copy what has to stay */
  data(chunk: Buffer): void;
  /** The request is complete. @param rawTrailers names and values in turn */
  end(rawTrailers: readonly string[]): void;
  /**
   * The bytes are no request; no other call follows.
   * @param line the request line as far as it could be read, of a fault in the head
   */
  fault(fault: MessageFault, line: RequestLine): void;
}

export interface RequestLine {
  method: string;
  target: string;
}

/** Bytes of a line with the size of a chunk and its extensions, at most. */
const chunkLineLimit = 1_024;
/** Digits of the size of a chunk, at most: some 280 terabytes. */
const sizeDigits = 12;
/** Bytes that a kept fragment of a head has room for at first. */
const leastFragment = 2_048;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const semicolon = 0x3b;

const noFields: readonly string[] = [];
const noLine: RequestLine = { method: "", target: "" };

type State =
  | "head"
  | "body"
  | "chunk-size"
  | "chunk-extension"
  | "chunk-line-end"
  | "chunk-data"
  | "chunk-end"
  | "chunk-end-feed"
  | "trailers"
  | "done"
  | "broken";

/** Reads the requests of one connection. */
export class RequestReader {
  readonly #events: RequestEvents;
  readonly #headLimit: number;
  readonly #scanner = new HeadScanner();
  #state: State = "head";
  #isHeld = false;
  /** the beginning of a head, or of trailers, whose end has not arrived */
  #fragment: Buffer | undefined;
  #fragmentLength = 0;
  /** bytes of the body, or of the chunk, that are still to come */
  #remaining = 0;
  #extension: ExtensionPhase = "name begins";
  /** bytes of the line with the size of a chunk so far */
  #lineLength = 0;

  /** @param headLimit bytes of request line and fields, at most; the same for trailers */
  constructor(headLimit: number, events: RequestEvents) {
    this.#headLimit = headLimit;
    this.#events = events;
  }

  /** whether a request has begun to arrive, and is not complete */
  get isInside(): boolean {
    if (this.#state === "head") return this.#fragment !== undefined;
    return this.#state !== "done" && this.#state !== "broken";
  }

  /** Expects another request, after the end of the one before. */
  next(): void {
    this.#state = "head";
    this.#scanner.begin();
  }

  /** Reads no further than the present piece until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  /**
   * Takes what arrived. Reads to the end of a request, or as far as it is not held.
   * @returns how many bytes at the end it did not look at, which come first the next time
   */
  read(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.#isHeld) {
      if (this.#state === "done" || this.#state === "broken") break;
      at = this.#step(bytes, at);
    }
    return bytes.length - at;
  }

  /** Takes one piece. @returns where the next one begins */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case "head":
      case "trailers":
        return this.#readFields(bytes, at);
      case "body":
      case "chunk-data":
        return this.#readBody(bytes, at);
      default:
        return this.#readChunkFraming(bytes, at);
    }
  }

  /** Reads a head or trailers: where they arrived, or in the fragment that was kept of them. */
  #readFields(arrived: Buffer, at: number): number {
    // 1. No byte beyond the limit is looked at.
    const before = this.#fragmentLength;
    const room = this.#headLimit - before;
    const arrivedEnd = Math.min(arrived.length, at + room);
    const bytes = this.#fragment === undefined ? arrived : this.#join(arrived, at, arrivedEnd);
    const start = bytes === arrived ? at : 0;
    const end = bytes === arrived ? arrivedEnd : this.#fragmentLength;

    // 2. As far as it goes.
    const scanner = this.#scanner;
    const state = scanner.scan(bytes, start, end);
    if (state === "more") {
      if (end - start >= this.#headLimit) this.#break("head_too_large", bytes, start);
      else if (bytes === arrived) this.#join(arrived, at, arrivedEnd);
      return arrivedEnd;
    }

    // 3. All of it is there, or it is none.
    const next = at + scanner.length - before;
    if (state === "end") this.#endFields(bytes, start);
    else this.#break(state, bytes, start);
    return next;
  }

  /** Adds to the fragment. @returns its buffer */
  #join(arrived: Buffer, from: number, to: number): Buffer {
    const length = this.#fragmentLength + to - from;
    let fragment = this.#fragment;
    if (fragment === undefined || fragment.length < length) {
      const room = Math.min(this.#headLimit, Math.max(2 * length, leastFragment));
      const larger = Buffer.allocUnsafeSlow(room);
      fragment?.copy(larger, 0, 0, this.#fragmentLength);
      fragment = larger;
    }
    arrived.copy(fragment, this.#fragmentLength, from, to);
    this.#fragment = fragment;
    this.#fragmentLength = length;
    return fragment;
  }

  #endFields(bytes: Buffer, start: number): void {
    this.#dropFragment();
    const scanner = this.#scanner;
    const text = scanner.text(bytes, start);
    const rawHeaders = scanner.fields(text, bytes, start);
    if (this.#state === "trailers") {
      if (rawHeaders.some(saysLength)) this.#fail("malformed_header", noLine);
      else this.#finish(rawHeaders);
      return;
    }
    const line = scanner.requestLine(text) ?? noLine;
    const version = scanner.isHttp10(text) ? "1.0" : "1.1";
    const head = readFraming({ method: line.method, target: line.target, version, rawHeaders });
    if (typeof head === "string") this.#fail(head, line);
    else this.#beginBody(head);
  }

  #beginBody(head: MessageHead): void {
    const { framing } = head;
    if (framing === "chunked") this.#beginChunkLine();
    else {
      this.#state = "body";
      this.#remaining = framing;
    }
    this.#events.head(head);
    if (framing === 0) this.#finish(noFields);
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#remaining);
    this.#remaining -= end - at;
    const isWhole = at === 0 && end === bytes.length;
    this.#events.data(isWhole ? bytes : bytes.subarray(at, end));
    if (this.#remaining > 0) return end;
    if (this.#state === "chunk-data") this.#state = "chunk-end";
    else if (this.#state === "body") this.#finish(noFields);
    return end;
  }

  /** Takes a byte of what stands between chunks. @returns where the next one stands */
  #readChunkFraming(bytes: Buffer, at: number): number {
    if (!this.#takesChunkFraming(bytes[at] ?? 0)) this.#fail("malformed_chunk", noLine);
    return at + 1;
  }

  /** Takes a byte of the line with a size (RFC 9112 7.1), or of the CR LF behind a chunk. */
  #takesChunkFraming(byte: number): boolean {
    this.#lineLength++;
    switch (this.#state) {
      case "chunk-size":
        return this.#takesSize(byte);
      case "chunk-extension":
        return this.#takesExtension(byte) && this.#lineLength < chunkLineLimit;
      case "chunk-line-end":
        this.#state = this.#remaining > 0 ? "chunk-data" : "trailers";
        if (this.#remaining === 0) this.#scanner.beginTrailers();
        return byte === lineFeed;
      case "chunk-end":
        this.#state = "chunk-end-feed";
        return byte === carriageReturn;
      default:
        this.#beginChunkLine();
        return byte === lineFeed;
    }
  }

  #takesSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#remaining = this.#remaining * 16 + digit;
      return this.#lineLength <= sizeDigits;
    }
    this.#state = byte === semicolon ? "chunk-extension" : "chunk-line-end";
    this.#extension = "name begins";
    const isEmpty = this.#lineLength === 1;
    return !isEmpty && (byte === semicolon || byte === carriageReturn);
  }

  #takesExtension(byte: number): boolean {
    const phase = nextExtensionPhase(this.#extension, byte);
    if (phase === undefined) return false;
    this.#extension = phase;
    if (phase === "end") this.#state = "chunk-line-end";
    return true;
  }

  #beginChunkLine(): void {
    this.#state = "chunk-size";
    this.#lineLength = 0;
    this.#remaining = 0;
  }

  #finish(rawTrailers: readonly string[]): void {
    this.#state = "done";
    this.#events.end(rawTrailers);
  }

  #break(fault: MessageFault, bytes: Buffer, start: number): void {
    const text = bytes.toString("latin1", start, start + this.#scanner.length);
    const line = this.#state === "head" ? this.#scanner.requestLine(text) : undefined;
    this.#fail(fault, line ?? noLine);
  }

  #fail(fault: MessageFault, line: RequestLine): void {
    this.#dropFragment();
    this.#state = "broken";
    this.#events.fault(fault, line);
  }

  #dropFragment(): void {
    this.#fragment = undefined;
    this.#fragmentLength = 0;
  }
}

/**
 * Whether a name among names and values in turn says how long a message is. Behind a body, some
 * readers begin another one there (RFC 9110 6.5.1).
 */
function saysLength(text: string, index: number): boolean {
  return index % 2 === 0 && /^(?:content-length|transfer-encoding)$/i.test(text);
}

/** The value of a hexadecimal digit, or -1. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
