// One connection to an origin, and the one request that is under way on it. Whatever is not exactly
// as agreed (a byte too many, an answer before its request is complete, a malformed head) costs the
// connection, never another request.
import type { Socket } from "node:net";
import { Deadline } from "../deadline.ts";
import { atEndOfTurn } from "../http/end-of-turn.ts";
import { pieceBytes } from "../http/write-buffers.ts";
import type {
  OriginEvents,
  OriginFault,
  OriginRequest,
  OriginRequestHead,
} from "./origin-request.ts";
import { ResponseFault } from "./response-fields.ts";
import { hasNoEnd, type OriginResponseHead } from "./response-head.ts";
import { type ResponseEvents, ResponseReader } from "./response-reader.ts";

/** Where the bytes of a connection go: the next read overwrites the buffer. */
interface OnRead {
  buffer: Uint8Array;
  callback: (length: number, bytes: Uint8Array) => boolean;
}

/** Opens a connection. Without `onread` it is a stream like any other. */
export type Dial = (onread?: OnRead) => Socket;

// One for all connections: what was read is dealt with before the next read (bench/README.md).
const readBuffer = Buffer.allocUnsafeSlow(pieceBytes);

/** Bytes of a piece that leaves with the others of its turn, and in one text with its framing. */
const smallPiece = 4_096;

const goodbye = /^HTTP\/1\.[01] 408/;

/** Of the pool that a connection belongs to. */
export interface ConnectionOptions {
  /** milliseconds */
  connectTimeout: number;
  /** milliseconds for which the connection may be idle, unless the origin says less */
  idleTimeout: number;
  /** milliseconds for which an origin may pause in the middle of an answer */
  bodyTimeout: number;
  /** The last request was answered, and left nothing on the connection. */
  onFree: (connection: OriginConnection) => void;
  onUnusable: (connection: OriginConnection) => void;
  /** The origin sent bytes after an answer that nobody had asked for. */
  onStray: () => void;
}

/** Serves one request at a time, again and again while both sides keep to HTTP. */
export class OriginConnection implements OriginRequest {
  /** when its last request ended, `performance.now()` */
  idleSince = 0;
  /** milliseconds from then on for which it can be used again */
  idleTimeout: number;
  /** whether it has served a request before: the origin may be closing it this very moment */
  reused = false;
  /** whether a byte of the answer to this request has arrived */
  answered = false;
  /** HTTP/1.1 has no way to say so */
  readonly refused = false;
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  readonly #options: ConnectionOptions;
  readonly #responseEvents: ResponseEvents;
  /** of the request that is under way */
  #events: OriginEvents | undefined;
  #persistent = true;
  #connected = false;
  #paused = false;
  /** undefined until the head of the answer has arrived */
  #answerHead: OriginResponseHead | undefined;
  /** set when the answer is complete, until everything that arrived with it was looked at */
  #trailers: string[] | undefined;
  /** the head of a request that waits for the end of this turn */
  #unsent: string | undefined;
  /** whether what is written waits for the end of this turn */
  #isCorked = false;
  /** the body of the request goes out in chunks */
  #isChunked = false;
  #broken = false;
  readonly #connectDeadline: NodeJS.Timeout;
  /** for the beginning of the answer, then for each of its pieces */
  readonly #deadline = new Deadline(() => this.#late());
  /** milliseconds for which the origin may keep the beginning of this answer back */
  #answerTimeout = 0;

  constructor(dial: Dial, options: ConnectionOptions) {
    this.#options = options;
    this.idleTimeout = options.idleTimeout;
    this.#responseEvents = {
      information: (status, rawHeaders) => this.#events?.information(status, rawHeaders),
      head: (head) => this.#head(head),
      data: (chunk) => this.#events?.data(chunk),
      end: (rawTrailers) => {
        this.#trailers = rawTrailers;
      },
    };
    this.#socket = dial({
      buffer: readBuffer,
      callback: (length, bytes) => {
        this.#read(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        return length < readBuffer.length || this.#letOthersRead();
      },
    });
    this.#listen(this.#socket);
    const { connectTimeout } = options;
    this.#connectDeadline = setTimeout(
      () => this.#break("connect_timeout", `no connection within ${connectTimeout} ms`),
      connectTimeout,
    );
  }

  /** Whether the next request may go out here. */
  get usable(): boolean {
    return (
      this.#persistent &&
      !this.#broken &&
      this.#events === undefined &&
      !this.#socket.destroyed &&
      this.#connected
    );
  }

  /** A head that is the whole request may leave with other requests at the end of this turn. */
  start(head: OriginRequestHead, events: OriginEvents): void {
    this.#events = events;
    this.answered = false;
    this.#answerHead = undefined;
    this.#trailers = undefined;
    this.#reader.start(head.method, this.#responseEvents);
    this.#isChunked = head.framing === "chunked";
    this.#unsent = headText(head);
    if (head.framing === "none") atEndOfTurn(this.#sendHead);
    else this.#sendHead();
  }

  readonly #sendHead = (): void => {
    const text = this.#unsent;
    this.#unsent = undefined;
    if (text !== undefined) this.#socket.write(text, "latin1");
  };

  write(chunk: Buffer): boolean {
    const isSmall = chunk.length <= smallPiece;
    if (isSmall) this.#corkForTurn();
    if (!this.#isChunked) return this.#socket.write(chunk);
    // One chunk (RFC 9112 section 7.1).
    const size = `${chunk.length.toString(16)}\r\n`;
    if (isSmall) return this.#socket.write(`${size}${chunk.toString("latin1")}\r\n`, "latin1");
    this.#socket.cork();
    this.#socket.write(size, "latin1");
    this.#socket.write(chunk);
    const takesMore = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return takesMore;
  }

  /** A client may cut its body into pieces of one byte: each turn is one write all the same. */
  #corkForTurn(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    atEndOfTurn(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }

  end(rawTrailers: readonly string[]): void {
    if (!this.#isChunked) return;
    let text = "0\r\n";
    for (let index = 0; index < rawTrailers.length; index += 2)
      text += `${rawTrailers[index]}: ${rawTrailers[index + 1]}\r\n`;
    this.#socket.write(`${text}\r\n`, "latin1");
  }

  expectAnswer(ms: number): void {
    if (this.#answerHead !== undefined) return;
    this.#answerTimeout = ms;
    this.#deadline.set(ms);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
    this.#deadline.lift();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
    this.#expectMore();
  }

  /**
   * Where more waits than one read brings, the next read waits for the next turn: one large answer
   * would keep all other connections waiting until it is through.
   * @returns false, for who reads
   */
  #letOthersRead(): false {
    atEndOfTurn(() => {
      if (!this.#paused) this.#socket.resume();
    });
    return false;
  }

  keep(): void {
    this.#options.onFree(this);
  }

  /** Ends the connection as well. */
  destroy(): void {
    clearTimeout(this.#connectDeadline);
    this.#deadline.end();
    this.#events = undefined;
    this.#unsent = undefined;
    this.#persistent = false;
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
      this.#connected = true;
      clearTimeout(this.#connectDeadline);
    });
    socket.on("drain", () => this.#events?.drain());
    // `allowHalfOpen` is off: the origin's end is the end.
    socket.on("end", () => this.#closed());
    socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    socket.on("close", () => this.#closed());
  }

  #read(chunk: Buffer): void {
    // Nobody asked. What an origin says between two requests could only be taken for the next
    // answer (case H9).
    if (this.#events === undefined) {
      this.#noteStray(chunk);
      this.destroy();
      return;
    }
    // The request has not left yet: this is no answer to it.
    if (this.#unsent !== undefined) {
      this.#noteStray(chunk);
      this.#break("closed", "the origin sent data before it got a request");
      return;
    }
    this.answered = true;
    try {
      if (this.#reader.read(chunk) > 0) this.#persistent = false;
      if (this.#trailers !== undefined) {
        this.#end(this.#trailers);
        return;
      }
      this.#events?.flush();
      this.#expectMore();
    } catch (error) {
      // A fault of ours, too, is the end of this request and not of the process.
      this.#break("malformed", error instanceof ResponseFault ? error.message : String(error));
    }
  }

  /** A server that closes an idle connection may say so with a 408 (RFC 9110 15.5.9). */
  #noteStray(bytes: Buffer): void {
    if (!goodbye.test(bytes.toString("latin1", 0, 12))) this.#options.onStray();
  }

  #head(head: OriginResponseHead): void {
    this.#answerHead = head;
    this.#deadline.lift();
    if (!head.persistent) this.#persistent = false;
    // A second less than the origin says: it counts from its own clock.
    this.idleTimeout = Math.min(this.#options.idleTimeout, (head.keepAliveSeconds - 1) * 1000);
    this.#events?.head(head);
  }

  /** The rest of an answer is waited for, unless it is one that may pause without end. */
  #expectMore(): void {
    const head = this.#answerHead;
    if (head === undefined) return;
    const isWaiting = this.#events !== undefined && !this.#paused;
    if (isWaiting && !hasNoEnd(head)) this.#deadline.set(this.#options.bodyTimeout);
    else this.#deadline.lift();
  }

  #late(): void {
    const hasBegun = this.#answerHead !== undefined;
    const detail = hasBegun
      ? `the answer stopped for ${this.#options.bodyTimeout} ms`
      : `no answer within ${this.#answerTimeout} ms`;
    this.#break("response_timeout", detail);
  }

  #end(rawTrailers: string[]): void {
    this.#deadline.lift();
    const events = this.#events;
    this.#events = undefined;
    this.reused = true;
    this.idleSince = performance.now();
    this.resume();
    events?.end(rawTrailers);
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#break(this.#connected ? "closed" : "unreachable", error.code ?? error.message);
  }

  #closed(): void {
    this.#persistent = false;
    this.#options.onUnusable(this);
    // An answer without a stated length ends here.
    const isUnderWay = this.#events !== undefined && !this.#broken;
    if (isUnderWay && this.#reader.close()) {
      this.#end([]);
      return;
    }
    this.#break(this.#connected ? "closed" : "unreachable", "the origin closed the connection");
  }

  #break(fault: OriginFault, detail: string): void {
    if (this.#broken) return;
    this.#broken = true;
    const events = this.#events;
    this.destroy();
    events?.fail(fault, detail);
  }
}

/** Request line and headers, with the empty line at the end. */
function headText({
  method,
  target,
  rawHeaders,
  framing,
  expectsContinue,
}: OriginRequestHead): string {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2)
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  if (framing === "chunked") text += "Transfer-Encoding: chunked\r\n";
  if (expectsContinue) text += "Expect: 100-continue\r\n";
  return `${text}\r\n`;
}
