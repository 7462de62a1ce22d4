// Finds the parts of a request's head, and of its trailers, in one pass over the bytes (RFC 9112 3
// and 5). The grammar is the strict one: CR LF ends a line, one blank stands between the parts of
// the request line, nothing stands between a name and its colon, and no line goes on with the next.
// A scan stops where the bytes end and goes on there: each byte is looked at once, however they
// arrive.
//
// A client writes the same fields again and again. Where those of a head are the bytes of the head
// before, to the last one, they are what they were then.
import type { MessageFault } from "./message-fault.ts";

/** Fields of a head, or trailers, at most. read-request.ts refuses long before, in words. */
const fieldLimit = 1_024;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const blank = 0x20;
const colon = 0x3a;

/** For each byte, 1 where it may be part of such a run. */
type Run = Uint8Array;

const tokenRun = runOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);
// Bytes beyond ASCII are no URL (RFC 3986 2.1), but there is one way to read them.
const targetRun = runOf(/[!-~\x80-\xff]/);
const versionRun = runOf(/[HTP/.0-9]/);
const valueRun = runOf(/[\t\x20-\x7e\x80-\xff]/);
const noRun = new Uint8Array(256);
const noBytes = Buffer.alloc(0);
const noFields: readonly string[] = [];

function runOf(characters: RegExp): Run {
  const isPart = (byte: number) => characters.test(String.fromCharCode(byte));
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(isPart(byte)));
}

type Phase = number;
const inMethod: Phase = 0;
const inTarget: Phase = 1;
const inVersion: Phase = 2;
const inName: Phase = 3;
const inValue: Phase = 4;
const atLineEnd: Phase = 5;
const atLastLineEnd: Phase = 6;

/** The run that each phase is. */
const runs: readonly Run[] = [tokenRun, targetRun, versionRun, tokenRun, valueRun, noRun, noRun];

/** How far a scan has come: more bytes must arrive, the last line has ended, or a fault. */
export type ScanState = "more" | "end" | MessageFault;

/** What a step of a scan leads to: on, to the first field, or out. */
type Step = undefined | "fields" | Exclude<ScanState, "more">;

/** Bytes of fields that are kept to compare with, at most: each idle connection has some. */
const keptLimit = 4_096;

/** Scans one head after the other; `begin` and `beginTrailers` say what the next bytes are. */
export class HeadScanner {
  /** where the scan goes on, from the start of the head; after the `end`, its length */
  length = 0;
  #phase: Phase = inMethod;
  #isHead = true;
  /** where the run of the present phase began */
  #runStart = 0;
  /** ends of method, target and version, then of each name and each value */
  #ends: number[] = [];
  #count = 0;
  /** the fields of a head before, with the empty line, and room for others */
  #kept = noBytes;
  #keptLength = 0;
  #keptFields: readonly string[] = noFields;
  /** whether the fields of this head are the kept ones */
  #isRepeated = false;

  /** Expects a request line and fields. */
  begin(): void {
    this.#restart(inMethod);
  }

  /** Expects fields alone. */
  beginTrailers(): void {
    this.#restart(inName);
  }

  /**
   * Goes on with a head.
   * @param start where the head begins in the bytes
   * @param end where the bytes end
   */
  scan(bytes: Buffer, start: number, end: number): ScanState {
    let at = start + this.length;
    while (at < end) {
      const run = runs[this.#phase] ?? noRun;
      while (at < end && run[bytes[at] as number] === 1) at++;
      if (at === end) break;
      const state = this.#step(bytes, start, at);
      at++;
      if (state === undefined) continue;
      if (state !== "fields") {
        this.length = at - start;
        return state;
      }
      if (!this.#repeats(bytes, at, end)) continue;
      this.length = at - start + this.#keptLength;
      return "end";
    }
    this.length = at - start;
    return "more";
  }

  /** The head, or the trailers, as far as they are not the kept fields. @param start of them */
  text(bytes: Buffer, start: number): string {
    const length = this.#isRepeated ? this.#fieldsStart : this.length;
    return bytes.toString("latin1", start, start + length);
  }

  /** Method and target of a request whose line has them by now. @param text the head */
  requestLine(text: string): { method: string; target: string } | undefined {
    const [methodEnd, targetEnd] = this.#ends;
    if (this.#count < 2 || methodEnd === undefined) return undefined;
    return { method: text.slice(0, methodEnd), target: text.slice(methodEnd + 1, targetEnd) };
  }

  /** Whether the request line says HTTP/1.0. @param text the head */
  isHttp10(text: string): boolean {
    return text.charCodeAt((this.#ends[2] ?? 0) - 1) === 0x30;
  }

  /**
   * Names and values in turn.
   * @param text the head, or the trailers
   * @param bytes where `text` stands
   * @param start of `text` in the bytes
   */
  fields(text: string, bytes: Buffer, start: number): readonly string[] {
    if (this.#isRepeated) return this.#keptFields;
    const fields = this.#read(text);
    if (this.#isHead) this.#keep(fields, bytes, start + this.#fieldsStart, start + this.length);
    return fields;
  }

  /** where the first field begins, from the start of the head */
  get #fieldsStart(): number {
    return (this.#ends[2] ?? 0) + 2;
  }

  /** Whether the fields of the head are the kept ones. @param at where its first field begins */
  #repeats(bytes: Buffer, at: number, end: number): boolean {
    const length = this.#keptLength;
    if (length === 0 || at + length > end) return false;
    this.#isRepeated = bytes.compare(this.#kept, 0, length, at, at + length) === 0;
    return this.#isRepeated;
  }

  #keep(fields: readonly string[], bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length > keptLimit) return;
    if (length > this.#kept.length) this.#kept = Buffer.allocUnsafeSlow(length);
    bytes.copy(this.#kept, 0, from, to);
    this.#keptLength = length;
    this.#keptFields = fields;
  }

  #read(text: string): string[] {
    const fields: string[] = [];
    const ends = this.#ends;
    const isHead = this.#isHead;
    let start = isHead ? this.#fieldsStart : 0;
    for (let index = isHead ? 3 : 0; index < this.#count; index += 2) {
      const nameEnd = ends[index] ?? 0;
      const valueEnd = ends[index + 1] ?? 0;
      fields.push(text.substring(start, nameEnd), withoutSpaces(text, nameEnd + 1, valueEnd));
      start = valueEnd + 2;
    }
    return fields;
  }

  #restart(phase: Phase): void {
    this.#isHead = phase === inMethod;
    this.#phase = phase;
    this.length = 0;
    this.#runStart = 0;
    this.#count = 0;
    this.#isRepeated = false;
    // A head of many fields leaves nothing large behind.
    if (this.#ends.length > 256) this.#ends = [];
  }

  /**
   * Takes the byte that ends a run.
   * @param at where it stands
   * @returns undefined when the scan goes on
   */
  #step(bytes: Uint8Array, start: number, at: number): Step {
    const byte = bytes[at];
    const place = at - start;
    const isEmpty = place === this.#runStart;
    switch (this.#phase) {
      case inMethod:
        if (byte !== blank || isEmpty) return "malformed_request_line";
        this.#endRun(place, inTarget);
        return undefined;
      case inTarget:
        // A line without a version is a request of HTTP/0.9.
        if (byte === carriageReturn && !isEmpty) return this.#endTarget(place);
        if (byte !== blank || isEmpty) return "malformed_request_line";
        this.#endRun(place, inVersion);
        return undefined;
      case inVersion:
        if (byte !== carriageReturn) return "malformed_request_line";
        return this.#endVersion(bytes, start, place);
      case inName:
        if (byte === carriageReturn && isEmpty) {
          this.#phase = atLastLineEnd;
          return undefined;
        }
        if (byte !== colon || isEmpty) return "malformed_header";
        if (this.#count >= 3 + 2 * fieldLimit) return "head_too_large";
        this.#endRun(place, inValue);
        return undefined;
      case inValue:
        if (byte !== carriageReturn) return "malformed_header";
        this.#endRun(place, atLineEnd);
        return undefined;
      default:
        return this.#endLine(byte, place);
    }
  }

  #endRun(place: number, next: Phase): void {
    this.#ends[this.#count++] = place;
    this.#phase = next;
    this.#runStart = place + 1;
  }

  #endTarget(place: number): MessageFault {
    this.#endRun(place, atLineEnd);
    return "bad_version";
  }

  #endVersion(bytes: Uint8Array, start: number, place: number): MessageFault | undefined {
    const fault = faultOfVersion(bytes, start + this.#runStart, start + place);
    this.#endRun(place, atLineEnd);
    return fault;
  }

  #endLine(byte: number | undefined, place: number): Step {
    const isLast = this.#phase === atLastLineEnd;
    const isRequestLine = this.#isHead && this.#count === 3 && !isLast;
    if (byte !== lineFeed) return isRequestLine ? "malformed_request_line" : "malformed_header";
    if (isLast) return "end";
    this.#phase = inName;
    this.#runStart = place + 1;
    return isRequestLine ? "fields" : undefined;
  }
}

/** Versions of other times are told apart from what is no version. */
function faultOfVersion(bytes: Uint8Array, from: number, to: number): MessageFault | undefined {
  if (to - from !== http1.length + 1) return "malformed_request_line";
  const isHttp1 = http1.every((byte, index) => bytes[from + index] === byte);
  const minor = bytes[to - 1];
  if (isHttp1 && (minor === 0x30 || minor === 0x31)) return undefined;
  const text = String.fromCharCode(...bytes.subarray(from, to));
  return text === "HTTP/0.9" || text === "HTTP/2.0" ? "bad_version" : "malformed_request_line";
}

const http1 = Buffer.from("HTTP/1.");

/**
 * A part of the text without the spaces around it. A tab stays: some readers take `chunked` with a
 * tab for another coding, and a length with one for none, so that they must be none here.
 */
function withoutSpaces(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && text.charCodeAt(start) === blank) start++;
  while (end > start && text.charCodeAt(end - 1) === blank) end--;
  return text.substring(start, end);
}
