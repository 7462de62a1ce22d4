// Which protocol a new connection speaks. Over TLS the handshake has settled it (ALPN, RFC 7301).
// In the clear a client that knows that it may speak HTTP/2 says so with its first bytes (RFC 9113
// 3.3), which are looked at and put back.
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** What becomes of connections. */
export interface ProtocolChoice {
  /** milliseconds for the first bytes */
  timeout: number;
  /** gets a connection on which HTTP/2 begins */
  acceptHttp2: (socket: Socket) => void;
  /** gets one that has not said in time which protocol it speaks */
  onTimeout: (socket: Socket) => void;
}

/**
 * Puts the choice in front of the listener with which a server of node:http takes new connections,
 * which is the first one. It gets those that speak HTTP/1.1.
 */
export function chooseProtocol(server: Server, isTls: boolean, choice: ProtocolChoice): void {
  const event = isTls ? "secureConnection" : "connection";
  const [take] = server.listeners(event) as [(socket: Socket) => void];
  const acceptHttp1 = (socket: Socket) => take.call(server, socket);
  server.off(event, take);
  server.on(event, (socket: Socket) => {
    if (!isTls) new FirstBytes(socket, choice, acceptHttp1).read();
    else if ((socket as TLSSocket).alpnProtocol === "h2") choice.acceptHttp2(socket);
    else acceptHttp1(socket);
  });
}

/** The first bytes of one connection, until they tell the protocol. */
class FirstBytes {
  readonly #socket: Socket;
  readonly #choice: ProtocolChoice;
  readonly #acceptHttp1: (socket: Socket) => void;
  readonly #deadline: NodeJS.Timeout;
  #bytes: Buffer = noBytes;

  constructor(socket: Socket, choice: ProtocolChoice, acceptHttp1: (socket: Socket) => void) {
    this.#socket = socket;
    this.#choice = choice;
    this.#acceptHttp1 = acceptHttp1;
    this.#deadline = setTimeout(this.#giveUp, choice.timeout);
  }

  read(): void {
    const socket = this.#socket;
    socket.on("error", ignore);
    socket.on("readable", this.#look);
    socket.on("close", this.#stop);
  }

  readonly #look = (): void => {
    const socket = this.#socket;
    const piece: Buffer | null = socket.read();
    if (piece !== null) this.#keep(piece);
    // What is no whole preface when the client has ended its side is node:http's to refuse.
    const protocol = piece === null ? "http1" : protocolOf(this.#bytes);
    if (protocol === undefined) return;

    this.#stop();
    // Not before the choice is made: bytes that are put back are readable at once.
    if (this.#bytes.length > 0) socket.unshift(this.#bytes);
    if (protocol === "http2") this.#choice.acceptHttp2(socket);
    else this.#acceptHttp1(socket);
    socket.off("error", ignore);
  };

  #keep(piece: Buffer): void {
    const isFirst = this.#bytes.length === 0;
    this.#bytes = isFirst ? piece : Buffer.concat([this.#bytes, piece]);
  }

  readonly #giveUp = (): void => {
    this.#stop();
    this.#choice.onTimeout(this.#socket);
  };

  readonly #stop = (): void => {
    clearTimeout(this.#deadline);
    this.#socket.off("readable", this.#look);
    this.#socket.off("close", this.#stop);
  };
}

const noBytes = Buffer.alloc(0);

/** undefined: the bytes are the beginning of a preface, and not all of it. */
export function protocolOf(bytes: Buffer): "http1" | "http2" | undefined {
  const length = Math.min(bytes.length, preface.length);
  if (preface.compare(bytes, 0, length, 0, length) !== 0) return "http1";
  return length === preface.length ? "http2" : undefined;
}

function ignore(): void {}
