// The answer to one request of HTTP/1.1: frames its body, and hands it to the connection in as few
// writes as it can. A short answer is one write, head and body together, at the end of the turn.
import { atEndOfTurn } from "./end-of-turn.ts";
import { type AnswerFraming, answerHead, lastChunk } from "./http1-answer.ts";
import type { ResponseHead, ResponseWriter } from "./transport.ts";
import { writeCopy } from "./write-buffers.ts";

/** Bytes of a piece that is copied into the write of what stands around it, at most. */
const joinedLimit = 65_536;

/** The connection as its answers see it. */
export interface AnswerSink {
  /** whether nothing more can be written */
  readonly isClosed: boolean;
  /** whether the answer that begins is the last one */
  readonly isLast: boolean;
  /** of the line `Keep-Alive` */
  readonly idleSeconds: number;
  /** @returns false when the client is behind */
  writeText(text: string): boolean;
  /** @param onWritten called when nobody reads the bytes any more */
  writeBytes(bytes: Buffer, onWritten?: () => void): boolean;
  /** Joins the writes up to `uncork`. */
  cork(): void;
  uncork(): void;
  /**
   * Writes the last of an answer.
   * @param persistent whether another request may follow
   */
  writeLast(text: string, persistent: boolean): void;
  destroy(): void;
}

/** What an answer depends on of its request. */
export interface Answered {
  method: string;
  version: "1.0" | "1.1";
  /** whether the client keeps the connection */
  persistent: boolean;
}

/** The answer to one request. */
export class Http1Response implements ResponseWriter {
  onDrain: (() => void) | undefined;
  onFinish: ((status: number) => void) | undefined;
  onCut: ((status: number | undefined) => void) | undefined;
  /** of the answer that has begun */
  status: number | undefined;
  readonly #sink: AnswerSink;
  readonly #answered: Answered;
  #persistent: boolean;
  /** the head that has not left yet */
  #headText = "";
  #framing: AnswerFraming | undefined;
  /** bytes that the stated length still expects */
  #remaining = 0;
  #isEnded = false;

  constructor(sink: AnswerSink, answered: Answered) {
    this.#sink = sink;
    this.#answered = answered;
    this.#persistent = answered.persistent;
  }

  get started(): boolean {
    return this.status !== undefined;
  }

  /** whether the end of the connection is what tells the client where the body ends */
  get endsWithConnection(): boolean {
    return this.#framing === untilClose;
  }

  get closed(): boolean {
    return this.#isEnded || this.#sink.isClosed;
  }

  closeConnection(): void {
    this.#persistent = false;
  }

  start(head: ResponseHead): void {
    const { text, length } = answerHead(head);
    const { method } = this.#answered;
    const { status } = head;
    this.status = status;
    this.#headText = text;
    const isBodiless = method === "HEAD" || status === 204 || status === 304;
    if (isBodiless) this.#framing = noBody;
    else if (length !== undefined) this.#framing = { kind: "length", length };
    this.#remaining = length ?? 0;
    if (this.#sink.isLast) this.#persistent = false;
  }

  flush(): void {
    if (this.#headText !== "" && !this.closed) this.#sink.writeText(this.#takeHead());
  }

  write(chunk: Buffer): boolean {
    if (this.closed) return true;
    const head = this.#takeHead();
    const framing = this.#framing?.kind;
    if (framing === "none" || chunk.length === 0) {
      return head === "" || this.#sink.writeText(head);
    }
    if (framing === "length" && !this.#counts(chunk.length)) return true;
    const isChunked = framing === "chunked";
    const before = isChunked ? `${head}${chunk.length.toString(16)}\r\n` : head;
    const after = isChunked ? "\r\n" : "";
    return this.#writeAround(before, chunk, after);
  }

  end(last: string | Buffer = "", rawTrailers: readonly string[] = []): void {
    if (this.closed) return;
    // Nothing was said of the length, and all of it is here.
    if (this.#framing === undefined && rawTrailers.length === 0) this.#stateLength(last);
    const isLong = typeof last !== "string" && last.length > joinedLimit;
    if (isLong) this.write(last);
    const text = isLong ? "" : latin1Of(last);
    const head = this.#takeHead();
    const rest = head + this.#lastPiece(text, rawTrailers);
    if (this.closed) return;
    if (this.#framing?.kind === "length" && this.#remaining > 0) {
      // The client must see that this is not all of it.
      this.#sink.destroy();
      return;
    }
    this.#isEnded = true;
    atEndOfTurn(() => this.#sink.writeLast(rest, this.#persistent));
  }

  /** The rest of the body, with what ends it. */
  #lastPiece(text: string, rawTrailers: readonly string[]): string {
    switch (this.#framing?.kind) {
      case "none":
        return "";
      case "chunked": {
        const piece = text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
        return piece + lastChunk(rawTrailers);
      }
      case "length":
        return this.#counts(text.length) ? text : "";
      default:
        return text;
    }
  }

  #stateLength(last: string | Buffer): void {
    const length = Buffer.byteLength(last);
    this.#framing = { kind: "length", length };
    this.#remaining = length;
    this.#headText += `Content-Length: ${length}\r\n`;
  }

  /** Writes a piece in one write with what stands around it. */
  #writeAround(before: string, piece: Buffer, after: string): boolean {
    const sink = this.#sink;
    if (piece.length <= joinedLimit && before + after !== "")
      return sink.writeText(before + piece.toString("latin1") + after);
    sink.cork();
    if (before !== "") sink.writeText(before);
    const takesMore = writeCopy(piece, (copy, onWritten) => sink.writeBytes(copy, onWritten));
    if (after !== "") sink.writeText(after);
    sink.uncork();
    return takesMore;
  }

  /** Takes bytes from the stated length. More than that would be the next answer to the client. */
  #counts(bytes: number): boolean {
    this.#remaining -= bytes;
    if (this.#remaining >= 0) return true;
    this.#sink.destroy();
    return false;
  }

  /** The head with its empty line, unless it has left. */
  #takeHead(): string {
    const text = this.#headText;
    if (text === "") return "";
    this.#headText = "";
    this.#framing ??= this.#answered.version === "1.1" ? chunks : untilClose;
    return `${text}${this.#framingLine()}${this.#connectionLines()}\r\n`;
  }

  #framingLine(): string {
    return this.#framing === chunks ? "Transfer-Encoding: chunked\r\n" : "";
  }

  #connectionLines(): string {
    if (this.#framing === untilClose) this.#persistent = false;
    if (!this.#persistent) return "Connection: close\r\n";
    return `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#sink.idleSeconds}\r\n`;
  }
}

const noBody: AnswerFraming = { kind: "none" };
const chunks: AnswerFraming = { kind: "chunked" };
const untilClose: AnswerFraming = { kind: "close" };

/** The bytes of a text or a piece, each as one character. */
function latin1Of(piece: string | Buffer): string {
  if (piece === "") return "";
  return (typeof piece === "string" ? Buffer.from(piece) : piece).toString("latin1");
}
