// A program's bytes through a WebSocket and back (wire-protocol 10), each way no faster than the
// other side takes them. With `postern.tcp.v1` one direction ends after the other; without it both
// end at once. How it ends is the larger half, and what is told of it is one sentence.
import { randomFillSync } from "node:crypto";
import type { Duplex, Readable, Writable } from "node:stream";
import { printable } from "@postern/protocol/printable";
import {
  closeCodes,
  FrameFault,
  FrameReader,
  opcodes,
  writeMaskedFrame,
} from "@postern/protocol/websocket-frames";
import type { OpenWebSocket } from "../net/websocket-dial.ts";

/** The program's side: a socket, or the two standard streams. */
export interface LocalSide {
  /** what the program sends; paused until now */
  input: Readable;
  /** what it gets */
  output: Writable;
  /** what it sends counts as ended once it gets nothing more: a person at a terminal */
  endsWithOutput?: boolean;
}

export type StreamEnd =
  | { ok: true }
  /**
   * @property reason a sentence without a full stop
   * @property isFresh nothing was carried, and the local side is as it was: another stream can
   * take the place of this one
   */
  | { ok: false; reason: string; isFresh: boolean };

/** One that runs. */
export interface RunningStream {
  ended: Promise<StreamEnd>;
  /** Ends it now, whatever is under way. */
  cut(): void;
}

/** Middleboxes commonly close what is silent for a minute. Milliseconds. */
const defaultPingInterval = 25_000;
/** So many pings in a row without a byte from the gateway, and it is taken for dead. */
const mostUnanswered = 3;
/** Milliseconds for which a gateway that has said its last may take to close the connection. */
const lingerMs = 2_000;
const noBytes = Buffer.alloc(0);

/**
 * Carries bytes until both directions have ended.
 * @param pingInterval milliseconds
 */
export function carry(
  local: LocalSide,
  remote: OpenWebSocket,
  pingInterval = defaultPingInterval,
): RunningStream {
  const stream = new CarriedStream(local, remote);
  stream.begin(pingInterval);
  return stream;
}

class CarriedStream implements RunningStream {
  readonly ended: Promise<StreamEnd>;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #endsWithOutput: boolean;
  readonly #remote: Duplex;
  readonly #halfClose: boolean;
  readonly #reader: FrameReader;
  readonly #masks = new Masks();
  #settle: (end: StreamEnd) => void = () => {};
  #pings: NodeJS.Timeout | undefined;
  /** payloads of the frames that are being read */
  #pieces: Buffer[] = [];
  #unanswered = 0;
  #carriedAny = false;
  #inputEnded = false;
  #outputEnded = false;
  #isOver = false;

  constructor({ input, output, endsWithOutput = false }: LocalSide, remote: OpenWebSocket) {
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#input = input;
    this.#output = output;
    this.#endsWithOutput = endsWithOutput;
    this.#remote = remote.connection;
    this.#halfClose = remote.protocol !== undefined;
    this.#reader = new FrameReader("server", {
      data: (bytes) => this.#remoteData(bytes),
      emptyMessage: () => this.#endOfRemote(),
      ping: (payload) => this.#pong(payload),
      close: (code, reason) => this.#closed(code, reason),
    });
  }

  begin(pingInterval: number): void {
    this.#pings = setInterval(() => this.#ping(), pingInterval).unref();
    this.#remote.on("data", this.#read);
    this.#remote.on("drain", () => this.#resumeInput());
    this.#remote.on("end", () => this.#remoteGone());
    this.#remote.on("close", () => this.#remoteGone());
    this.#remote.on("error", () => this.#remoteGone());
    this.#input.on("data", this.#send);
    this.#input.on("end", this.#endOfInput);
    this.#input.on("error", this.#localGone);
    this.#output.on("drain", this.#resumeRemote);
    this.#output.on("error", this.#localGone);
    this.#input.resume();
    this.#remote.resume();
  }

  cut(): void {
    this.#finish({ ok: true });
    this.#remote.destroy();
  }

  // From the program to the gateway.

  readonly #send = (bytes: Buffer): void => {
    this.#carriedAny = true;
    if (!this.#write(opcodes.binary, bytes)) this.#input.pause();
  };

  #resumeInput(): void {
    if (!this.#isOver) this.#input.resume();
  }

  readonly #endOfInput = (): void => {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    if (this.#halfClose) this.#write(opcodes.binary, noBytes);
    else this.#endBoth();
  };

  /** @returns whether more can be taken at once */
  #write(opcode: number, payload: Uint8Array): boolean {
    if (!this.#remote.writable) return true;
    return this.#remote.write(writeMaskedFrame(opcode, payload, this.#masks.next()));
  }

  // From the gateway to the program.

  readonly #read = (chunk: Buffer): void => {
    if (this.#isOver) return;
    this.#unanswered = 0;
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof FrameFault)) throw error;
      this.#writePieces();
      this.#closeRemote(error.code);
      this.#finish(this.#fault(`the gateway sent what is no WebSocket: ${error.message}`));
    }
    this.#writePieces();
    if (this.#output.writableNeedDrain) this.#remote.pause();
  };

  #remoteData(bytes: Buffer): void {
    if (this.#outputEnded)
      throw new FrameFault(closeCodes.protocolError, "bytes follow the end of their direction");
    this.#carriedAny = true;
    this.#pieces.push(bytes);
  }

  /** Hands on as one what arrived together: a frame may hold a single byte. */
  #writePieces(): void {
    const [only = noBytes] = this.#pieces;
    if (this.#pieces.length === 0) return;
    const bytes = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    if (this.#output.writable) this.#output.write(bytes);
  }

  readonly #resumeRemote = (): void => void this.#remote.resume();

  #endOfRemote(): void {
    if (!this.#halfClose || this.#outputEnded) return;
    this.#outputEnded = true;
    this.#writePieces();
    this.#output.end();
    if (this.#endsWithOutput) this.#endOfInput();
  }

  // How it ends.

  /** A close frame. Its answer is the last that is sent (RFC 6455 5.5.1). */
  #closed(code: number, reason: string): void {
    this.#writePieces();
    this.#closeRemote(code === closeCodes.noCode ? closeCodes.normal : code);
    const isNormal = code === closeCodes.normal || code === closeCodes.noCode;
    this.#finish(isNormal ? { ok: true } : this.#fault(closeSentence(code, reason)));
  }

  /** Without a close frame: the end all the same where nobody agreed on more than bytes. */
  #remoteGone(): void {
    if (this.#isOver) return;
    const isEnd = !this.#halfClose && !this.#remote.errored;
    this.#finish(isEnd ? { ok: true } : this.#fault("the gateway broke the connection off"));
    this.#remote.destroy();
  }

  /** Nobody is left who sends, or who takes. */
  readonly #localGone = (): void => this.cut();

  #endBoth(): void {
    this.#closeRemote(closeCodes.normal);
    this.#finish({ ok: true });
  }

  #closeRemote(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#write(opcodes.close, payload);
    this.#remote.end();
    this.#remote.resume();
    const deadline = setTimeout(() => this.#remote.destroy(), lingerMs);
    this.#remote.once("close", () => clearTimeout(deadline));
  }

  #fault(reason: string): StreamEnd {
    const isFresh = !this.#carriedAny && !this.#inputEnded && !this.#outputEnded;
    return { ok: false, reason, isFresh };
  }

  /** Lets go of the local side; what it has not taken yet stays with it. */
  #finish(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pings);
    this.#input.pause();
    this.#input.off("data", this.#send).off("end", this.#endOfInput).off("error", this.#localGone);
    this.#output.off("drain", this.#resumeRemote).off("error", this.#localGone);
    this.#settle(end);
  }

  // Whether the gateway is there.

  #ping(): void {
    // Whoever is not listened to cannot answer, and bytes that wait do as well as a ping.
    if (this.#remote.isPaused() || this.#remote.writableLength > 0) return;
    if (this.#unanswered >= mostUnanswered) {
      this.#finish(this.#fault("the gateway does not answer any more"));
      this.#remote.destroy();
      return;
    }
    this.#unanswered += 1;
    this.#write(opcodes.ping, noBytes);
  }

  #pong(payload: Buffer): void {
    // Who takes nothing needs no pong, and could have any number of them kept here.
    if (!this.#remote.writableNeedDrain) this.#write(opcodes.pong, payload);
  }
}

/** What the gateway says, or what its code means. */
function closeSentence(code: number, reason: string): string {
  if (reason !== "") return `the gateway ended the connection: ${printable(reason)}`;
  return `the gateway ended the connection (code ${code})`;
}

const masksAtOnce = 1_024;

/** Masks that nobody can foresee (RFC 6455 10.3): random bytes, fetched many at a time. */
class Masks {
  readonly #masks = new Uint32Array(masksAtOnce);
  #next = masksAtOnce;

  next(): number {
    if (this.#next === masksAtOnce) {
      randomFillSync(this.#masks);
      this.#next = 0;
    }
    return this.#masks[this.#next++] ?? 0;
  }
}
