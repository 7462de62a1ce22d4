// One connection to an origin, and the one exchange that runs on it. Whatever is not exactly as
// agreed (a byte too many, an answer before its request is complete, a malformed head) costs the
// connection, never another request.
import type { Socket } from "node:net";
import { atEndOfTurn } from "../http/end-of-turn.ts";
import {
  type ResponseEvents,
  ResponseFault,
  type ResponseHead,
  ResponseReader,
} from "./response-reader.ts";

/** Why an origin did not answer, or not to the end. */
export type OriginFault =
  | "unreachable"
  | "connect_timeout"
  | "response_timeout"
  | "closed"
  | "malformed";

export interface Exchange {
  information(status: number, rawHeaders: string[]): void;
  head(head: ResponseHead): void;
  /** @param chunk is overwritten after the call: copy what has to stay */
  data(chunk: Buffer): void;
  /** what arrived together has been handed over, and the answer is not complete yet */
  flush(): void;
  /** the answer is complete; the connection must not be used by this exchange any more */
  end(rawTrailers: string[]): void;
  /** no more will come */
  fail(fault: OriginFault, detail: string): void;
  /** the origin takes more of the request's body */
  drain(): void;
}

/**
 * Opens a connection whose bytes go to `onread.callback`, in a buffer that the next read
 * overwrites.
 */
export type Dial = (onread: {
  buffer: Uint8Array;
  callback: (length: number, bytes: Uint8Array) => boolean;
}) => Socket;

// One for all connections: what was read is dealt with before the next read (bench/README.md).
const readBuffer = Buffer.allocUnsafeSlow(65_536);

export interface ConnectionOptions {
  /** milliseconds */
  connectTimeout: number;
  keptForMs: number;
  onUnusable: (connection: OriginConnection) => void;
}

export class OriginConnection {
  /** when its last exchange ended, `performance.now()` */
  idleSince = 0;
  keptForMs: number;
  /** whether it has served a request before: the origin may be closing it this very moment */
  reused = false;
  /** whether a byte of the answer has arrived in this exchange */
  answered = false;
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  readonly #options: ConnectionOptions;
  readonly #events: ResponseEvents;
  #exchange: Exchange | undefined;
  #persistent = true;
  #connected = false;
  #paused = false;
  #headArrived = false;
  /** the head of the request waits for the end of this turn */
  #unsent = false;
  #fault: { fault: OriginFault; detail: string } | undefined;
  readonly #connectDeadline: NodeJS.Timeout;
  #answerDeadline: NodeJS.Timeout | undefined;

  constructor(dial: Dial, options: ConnectionOptions) {
    const socket = dial({
      buffer: readBuffer,
      callback: (length, bytes) => {
        this.#read(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        return true;
      },
    });
    this.#socket = socket;
    this.#options = options;
    this.keptForMs = options.keptForMs;
    this.#events = {
      information: (status, rawHeaders) => this.#exchange?.information(status, rawHeaders),
      head: (head) => this.#head(head),
      data: (chunk) => this.#exchange?.data(chunk),
      end: (rawTrailers) => this.#end(rawTrailers),
    };
    const tooLate = () =>
      this.#break("connect_timeout", `no connection within ${options.connectTimeout} ms`);
    this.#connectDeadline = setTimeout(tooLate, options.connectTimeout);
    socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
      this.#connected = true;
      clearTimeout(this.#connectDeadline);
    });
    socket.on("drain", () => this.#exchange?.drain());
    // `allowHalfOpen` is off: the origin's end is the end.
    socket.on("end", () => this.#closed());
    socket.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    socket.on("close", () => this.#closed());
  }

  get usable(): boolean {
    return (
      this.#persistent &&
      this.#fault === undefined &&
      this.#exchange === undefined &&
      !this.#socket.destroyed &&
      this.#connected
    );
  }

  /**
   * Begins an exchange: writes the head of the request.
   * @param head request line and headers with the empty line at the end
   * @param whole nothing follows: it may leave with other requests at the end of this turn
   */
  start(method: string, head: string, exchange: Exchange, whole: boolean): void {
    this.#exchange = exchange;
    this.answered = false;
    this.#headArrived = false;
    this.#reader.start(method, this.#events);
    this.#unsent = whole;
    if (!whole) this.#socket.write(head, "latin1");
    else
      atEndOfTurn(() => {
        if (this.#exchange !== exchange) return;
        this.#unsent = false;
        this.#socket.write(head, "latin1");
      });
  }

  /**
   * Writes a piece of the request's body. @returns false when the caller should wait for `drain`
   */
  write(chunk: Buffer): boolean {
    return this.#socket.write(chunk);
  }

  /** As `write`, framed as one chunk (RFC 9112 section 7.1). */
  writeChunk(chunk: Buffer): boolean {
    this.#socket.cork();
    this.#socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(chunk);
    const more = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return more;
  }

  /** The last chunk. @param trailers names and values in turn */
  endChunks(trailers: readonly string[]): void {
    let text = "0\r\n";
    for (let index = 0; index < trailers.length; index += 2)
      text += `${trailers[index]}: ${trailers[index + 1]}\r\n`;
    this.#socket.write(`${text}\r\n`, "latin1");
  }

  /** The request is complete: the origin has `ms` to begin its answer. */
  expectAnswer(ms: number): void {
    if (this.#headArrived) return;
    clearTimeout(this.#answerDeadline);
    this.#answerDeadline = setTimeout(
      () => this.#break("response_timeout", `no answer within ${ms} ms`),
      ms,
    );
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  destroy(): void {
    clearTimeout(this.#connectDeadline);
    clearTimeout(this.#answerDeadline);
    this.#exchange = undefined;
    this.#persistent = false;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    // Nobody asked: what an origin says between two requests could only be taken for the next
    // answer (case H9).
    if (this.#exchange === undefined) {
      this.destroy();
      return;
    }
    // The request has not left yet: this is no answer to it.
    if (this.#unsent) {
      this.#break("closed", "the origin spoke before it was asked");
      return;
    }
    this.answered = true;
    try {
      if (this.#reader.read(chunk) > 0) this.#persistent = false;
      this.#exchange?.flush();
    } catch (error) {
      // Whatever it is, it is the end of this exchange and not of the process.
      this.#break("malformed", error instanceof ResponseFault ? error.message : String(error));
    }
  }

  #head(head: ResponseHead): void {
    this.#headArrived = true;
    clearTimeout(this.#answerDeadline);
    if (!head.persistent) this.#persistent = false;
    // A second less than the origin says: it counts from its own clock.
    this.keptForMs = Math.min(this.#options.keptForMs, (head.keepAliveSeconds - 1) * 1000);
    this.#exchange?.head(head);
  }

  #end(rawTrailers: string[]): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.reused = true;
    this.idleSince = performance.now();
    this.resume();
    exchange?.end(rawTrailers);
  }

  #failed(error: NodeJS.ErrnoException): void {
    const fault = this.#connected ? "closed" : "unreachable";
    this.#break(fault, error.code ?? error.message);
  }

  #closed(): void {
    this.#persistent = false;
    this.#options.onUnusable(this);
    // An answer without a stated length ends here.
    if (this.#exchange !== undefined && this.#fault === undefined && this.#reader.close()) return;
    this.#break(this.#connected ? "closed" : "unreachable", "the origin closed the connection");
  }

  #break(fault: OriginFault, detail: string): void {
    if (this.#fault !== undefined) return;
    this.#fault = { fault, detail };
    const exchange = this.#exchange;
    this.destroy();
    exchange?.fail(fault, detail);
  }
}
