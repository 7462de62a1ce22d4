// A WebSocket and a TCP connection that carry each other's bytes (wire-protocol 10), each no faster
// than the other side takes them. How it ends is the larger half: one direction after the other
// with `postern.tcp.v1`, both at once without it, by a frame that is none, by silence, or because
// somebody ends it.
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  closeCodes,
  FrameFault,
  FrameReader,
  opcodes,
  writeCloseFrame,
  writeFrame,
} from "@postern/protocol/websocket-frames";
import type { TcpConnection } from "../origin/tcp-dialer.ts";
import type { StreamPings } from "./stream-pings.ts";
import { whenEnded } from "./tunnel.ts";

/** Between what bytes go to and fro, and how. */
export interface TcpStreamOptions {
  /** the client's side, whose WebSocket has begun */
  tunnel: Duplex;
  /** the service's side, connected */
  origin: TcpConnection;
  /** whether an empty binary frame is the end of one direction */
  halfClose: boolean;
  /** milliseconds for which both sides may be silent; 0: any time */
  idleTimeout: number;
  pings: StreamPings;
}

/** Milliseconds for which a side that was told of the end may take to end its own. */
const lingerMs = 2_000;
/** Milliseconds for which a service may take nothing of what it was sent before the end. */
const flushMs = 30_000;
const noBytes = Buffer.alloc(0);

/** One stream, from its first byte to its last. */
export class TcpStream {
  /** that it has carried, in both directions */
  bytes = 0;
  /** The service broke the connection off. @param detail for the log */
  onBroken: ((detail: string) => void) | undefined;
  /** Both sides have ended. */
  onClose: (() => void) | undefined;
  readonly #tunnel: Duplex;
  readonly #origin: Socket;
  readonly #halfClose: boolean;
  readonly #pings: StreamPings;
  readonly #reader: FrameReader;
  readonly #idle: NodeJS.Timeout | undefined;
  /** payloads of the frames that are being read */
  #pieces: Buffer[] = [];
  #isOver = false;
  #clientEnded = false;
  #originEnded = false;
  /** whether the service is only waited for to take what it was sent */
  #isOriginEnding = false;
  #openSides = 2;

  constructor({ tunnel, origin, halfClose, idleTimeout, pings }: TcpStreamOptions) {
    this.#tunnel = tunnel;
    this.#origin = origin.socket;
    this.#halfClose = halfClose;
    this.#pings = pings;
    this.#reader = new FrameReader("client", {
      data: (bytes) => this.#clientData(bytes),
      emptyMessage: () => this.#endOfClient(),
      ping: (payload) => this.#pong(payload),
      close: () => this.#endBoth(),
    });
    if (idleTimeout > 0) this.#idle = setTimeout(this.#endIdle, idleTimeout);
    pings.add(this);
    origin.onData = (bytes) => this.#originData(bytes);
    this.#watchClient();
    this.#watchOrigin();
  }

  /** Ends it now, whatever is under way. @param reason for the client, ASCII */
  end(code: number, reason: string): void {
    this.#origin.destroy();
    this.#closeClient(code, reason);
    this.#cutClient();
  }

  #originData(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#count(bytes);
    if (!this.#tunnel.write(writeFrame(opcodes.binary, bytes))) this.#origin.pause();
  }

  /** A client that takes nothing has bytes waiting that do as well as a ping. */
  ping(): void {
    const isWaiting = this.#tunnel.writableLength > 0;
    if (!this.#isOver && !isWaiting) this.#tunnel.write(writeFrame(opcodes.ping, noBytes));
  }

  // The client's side.

  #watchClient(): void {
    this.#tunnel.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#tunnel.on("drain", () => this.#origin.resume());
    // Without a close frame this is the end of the stream all the same: the official client sends
    // none.
    whenEnded(this.#tunnel, () => this.#tunnel.destroy());
    this.#tunnel.on("error", ignore);
    this.#tunnel.once("close", () => {
      clearTimeout(this.#idle);
      this.#leave();
      this.#endOrigin();
      this.#sideClosed();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof FrameFault)) throw error;
      this.#endOrigin();
      this.#closeClient(error.code, error.message);
    }
    this.#writePieces();
    if (!this.#isOver && this.#origin.writableNeedDrain) this.#tunnel.pause();
  }

  #clientData(bytes: Buffer): void {
    if (this.#clientEnded)
      throw new FrameFault(closeCodes.protocolError, "bytes follow the end of their direction");
    this.#count(bytes);
    this.#pieces.push(bytes);
  }

  /**
   * Sends on what arrived together as one. Each write that waits costs a few hundred bytes of its
   * own, and a frame may hold a single one.
   */
  #writePieces(): void {
    const [only = noBytes] = this.#pieces;
    if (this.#pieces.length === 0) return;
    const bytes = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#origin.write(bytes);
  }

  #endOfClient(): void {
    if (!this.#halfClose || this.#clientEnded) return;
    this.#clientEnded = true;
    this.#writePieces();
    if (this.#originEnded) this.#endBoth();
    else this.#origin.end();
  }

  #pong(payload: Buffer): void {
    // Who takes nothing needs no pong, and could have any number of them kept here.
    if (!this.#tunnel.writableNeedDrain) this.#tunnel.write(writeFrame(opcodes.pong, payload));
  }

  /** Says that this is the end, behind everything that the client has not taken yet. */
  #closeClient(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#leave();
    this.#tunnel.once("finish", () => this.#cutClient());
    this.#tunnel.end(writeCloseFrame(code, reason));
    // Its own close frame may wait behind bytes that nobody wants any more.
    this.#tunnel.resume();
  }

  #cutClient(): void {
    const deadline = setTimeout(() => this.#tunnel.destroy(), lingerMs);
    this.#tunnel.once("close", () => clearTimeout(deadline));
  }

  // The service's side.

  #watchOrigin(): void {
    this.#origin.on("drain", () => this.#tunnel.resume());
    this.#origin.on("end", () => this.#endOfOrigin());
    this.#origin.on("error", (error) => {
      if (this.#isOver) return;
      this.onBroken?.(error.message);
      this.#closeClient(closeCodes.fault, "The service broke the connection off");
    });
    this.#origin.once("close", () => this.#sideClosed());
  }

  #endOfOrigin(): void {
    if (this.#isOver) return;
    this.#originEnded = true;
    const goesOn = this.#halfClose && !this.#clientEnded;
    if (goesOn) this.#tunnel.write(writeFrame(opcodes.binary, noBytes));
    else this.#endBoth();
  }

  /**
   * Ends the connection once the service has what was sent to it. What it sends itself is read and
   * dropped until it ends: left unread, it would reset the connection, and those bytes with it.
   */
  #endOrigin(): void {
    if (this.#origin.destroyed || this.#isOriginEnding) return;
    this.#isOriginEnding = true;
    this.#writePieces();
    this.#origin.resume();
    this.#origin.setTimeout(flushMs, () => this.#origin.destroy());
    const cut = () => {
      const deadline = setTimeout(() => this.#origin.destroy(), lingerMs);
      this.#origin.once("close", () => clearTimeout(deadline));
    };
    if (this.#origin.writableFinished) cut();
    else this.#origin.once("finish", cut);
    this.#origin.end();
  }

  // Both.

  #endBoth(): void {
    this.#endOrigin();
    this.#closeClient(closeCodes.normal, "");
  }

  /** Also where it has ended, and one side does not take what is left. */
  readonly #endIdle = (): void => {
    this.end(closeCodes.goingAway, "Nothing was sent for too long");
  };

  #count(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.#idle?.refresh();
  }

  /** Nothing is carried any more. */
  #leave(): void {
    this.#isOver = true;
    this.#pings.remove(this);
  }

  #sideClosed(): void {
    this.#openSides -= 1;
    if (this.#openSides === 0) this.onClose?.();
  }
}

function ignore(): void {}
