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
} from "../http/websocket-frames.ts";
import type { StreamPings } from "./stream-pings.ts";

/** Between what bytes go to and fro, and how. */
export interface TcpStreamOptions {
  /** the client's side, whose WebSocket has begun */
  tunnel: Duplex;
  /** connected; what arrives there goes to `originData` */
  origin: Socket;
  /** whether an empty binary frame is the end of one direction */
  halfClose: boolean;
  /** milliseconds for which both sides may be silent; 0: any time */
  idleTimeout: number;
  pings: StreamPings;
  /** The service broke the connection off. @param detail for the log */
  onBroken: (detail: string) => void;
  /** Both sides have ended. */
  onClose: () => void;
}

/**
 * Milliseconds for which a side that was told of the end may take what is left, and end its own
 * side.
 */
const lingerMs = 2_000;
const noBytes = Buffer.alloc(0);

/** One stream, from its first byte to its last. */
export class TcpStream {
  /** that it has carried, in both directions */
  bytes = 0;
  readonly #options: TcpStreamOptions;
  readonly #reader: FrameReader;
  readonly #idle: NodeJS.Timeout | undefined;
  #isOver = false;
  #clientEnded = false;
  #originEnded = false;
  #openSides = 2;

  constructor(options: TcpStreamOptions) {
    this.#options = options;
    this.#reader = new FrameReader({
      data: (bytes) => this.#clientData(bytes),
      emptyMessage: () => this.#endOfClient(),
      ping: (payload) => this.#pong(payload),
      close: () => this.#clientCloses(),
    });
    const { idleTimeout, pings } = options;
    if (idleTimeout > 0) this.#idle = setTimeout(this.#endIdle, idleTimeout);
    pings.add(this);
    this.#watchClient();
    this.#watchOrigin();
  }

  /** Ends it now, whatever is under way. @param reason for the client, ASCII */
  end(code: number, reason: string): void {
    this.#options.origin.destroy();
    this.#closeClient(code, reason);
    this.#cutClient();
  }

  /** What arrived from the service. @param bytes are overwritten after the call */
  originData(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#count(bytes);
    const { tunnel, origin } = this.#options;
    if (!tunnel.write(writeFrame(opcodes.binary, bytes))) origin.pause();
  }

  /** A client that takes nothing has bytes waiting that do as well as a ping. */
  ping(): void {
    const { tunnel } = this.#options;
    if (!this.#isOver && tunnel.writableLength === 0)
      tunnel.write(writeFrame(opcodes.ping, noBytes));
  }

  // The client's side.

  #watchClient(): void {
    const { tunnel, origin } = this.#options;
    tunnel.on("data", (chunk: Buffer) => this.#read(chunk));
    tunnel.on("drain", () => origin.resume());
    // Without a close frame this is the end of the stream all the same: the official client sends
    // none.
    tunnel.on("end", () => tunnel.destroy());
    tunnel.on("error", ignore);
    tunnel.once("close", () => {
      this.#leave();
      this.#endOrigin();
      this.#sideClosed();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) return;
    const { tunnel, origin } = this.#options;
    origin.cork();
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof FrameFault)) throw error;
      this.#endOrigin();
      this.#closeClient(error.code, error.message);
    } finally {
      origin.uncork();
    }
    if (!this.#isOver && origin.writableNeedDrain) tunnel.pause();
  }

  #clientData(bytes: Buffer): void {
    if (this.#clientEnded)
      throw new FrameFault(closeCodes.protocolError, "bytes follow the end of their direction");
    this.#count(bytes);
    this.#options.origin.write(bytes);
  }

  #endOfClient(): void {
    if (!this.#options.halfClose || this.#clientEnded) return;
    this.#clientEnded = true;
    this.#options.origin.end();
    if (this.#originEnded) this.#closeClient(closeCodes.normal, "");
  }

  #pong(payload: Buffer): void {
    const { tunnel } = this.#options;
    // Who takes nothing needs no pong, and could have any number of them kept here.
    if (!tunnel.writableNeedDrain) tunnel.write(writeFrame(opcodes.pong, payload));
  }

  #clientCloses(): void {
    this.#endOrigin();
    this.#closeClient(closeCodes.normal, "");
  }

  /** Says that this is the end, behind everything that the client has not taken yet. */
  #closeClient(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#leave();
    const { tunnel } = this.#options;
    tunnel.once("finish", () => this.#cutClient());
    tunnel.end(writeCloseFrame(code, reason));
    // Its own close frame may wait behind bytes that nobody wants any more.
    tunnel.resume();
  }

  #cutClient(): void {
    const { tunnel } = this.#options;
    const deadline = setTimeout(() => tunnel.destroy(), lingerMs);
    tunnel.once("close", () => clearTimeout(deadline));
  }

  // The service's side.

  #watchOrigin(): void {
    const { tunnel, origin, onBroken } = this.#options;
    origin.on("drain", () => tunnel.resume());
    origin.on("end", () => this.#endOfOrigin());
    origin.on("error", (error) => {
      if (this.#isOver) return;
      onBroken(error.message);
      this.#closeClient(closeCodes.fault, "The service broke the connection off");
    });
    origin.once("close", () => this.#sideClosed());
  }

  #endOfOrigin(): void {
    if (this.#isOver) return;
    this.#originEnded = true;
    const { halfClose, tunnel } = this.#options;
    if (halfClose && !this.#clientEnded) {
      tunnel.write(writeFrame(opcodes.binary, noBytes));
      return;
    }
    this.#endOrigin();
    this.#closeClient(closeCodes.normal, "");
  }

  /**
   * Ends the connection once the service has what was sent to it. What it sends itself is read and
   * dropped until it ends: left unread, it would reset the connection, and those bytes with it.
   */
  #endOrigin(): void {
    const { origin } = this.#options;
    if (origin.destroyed) return;
    origin.resume();
    origin.setTimeout(lingerMs, () => origin.destroy());
    const cut = () => {
      const deadline = setTimeout(() => origin.destroy(), lingerMs);
      origin.once("close", () => clearTimeout(deadline));
    };
    if (origin.writableFinished) cut();
    else origin.once("finish", cut);
    origin.end();
  }

  // Both.

  readonly #endIdle = (): void => {
    this.#endOrigin();
    this.#closeClient(closeCodes.goingAway, "Nothing was sent for too long");
  };

  #count(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.#idle?.refresh();
  }

  /** Nothing is carried any more. */
  #leave(): void {
    this.#isOver = true;
    clearTimeout(this.#idle);
    this.#options.pings.remove(this);
  }

  #sideClosed(): void {
    this.#openSides -= 1;
    if (this.#openSides === 0) this.#options.onClose();
  }
}

function ignore(): void {}
