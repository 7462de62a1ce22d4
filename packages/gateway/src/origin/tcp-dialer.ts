// Connections that carry bytes and no requests: each is one stream's own, and never kept. What is
// needed only to connect is let go of then: a stream may be open for days.
import { connect, type Socket } from "node:net";
import { loopbackAddress } from "@postern/protocol";
import { pieceBytes } from "../http/write-buffers.ts";
import type { TcpAddress } from "../model/tcp-address.ts";

/** Why there is no connection. */
export type DialFault = "unreachable" | "connect_timeout";

/** How a connection is made. */
export interface DialOptions {
  /** milliseconds */
  connectTimeout: number;
  /** milliseconds of silence after which TCP asks whether the other end is there */
  tcpKeepAlive: number;
}

/** What becomes of a connection that is dialled: one of the two, unless it is destroyed before. */
export interface DialEvents {
  open(): void;
  /** @param detail for the log */
  fail(fault: DialFault, detail: string): void;
}

// One for all connections: what was read is dealt with before the next read.
const readBuffer = Buffer.allocUnsafeSlow(pieceBytes);

/** A connection to a service. Each of its sides ends by itself. */
export class TcpConnection {
  readonly socket: Socket;
  /** Takes what arrives. Set by the end of `open`. @param bytes are overwritten after the call */
  onData: ((bytes: Buffer) => void) | undefined;

  constructor({ host, port }: TcpAddress, { tcpKeepAlive }: DialOptions) {
    this.socket = connect({
      host: loopbackAddress(host) ?? host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAlive,
      onread: {
        buffer: readBuffer,
        callback: (length, bytes) => {
          this.onData?.(Buffer.from(bytes.buffer, bytes.byteOffset, length));
          return true;
        },
      },
    });
  }
}

/** Begins to connect. */
export function dialTcp(
  address: TcpAddress,
  options: DialOptions,
  events: DialEvents,
): TcpConnection {
  const connection = new TcpConnection(address, options);
  watchDial(connection.socket, options.connectTimeout, events);
  return connection;
}

function watchDial(socket: Socket, connectTimeout: number, events: DialEvents): void {
  const settle = (): void => {
    clearTimeout(deadline);
    socket.off("error", fail).off("close", settle);
  };
  const giveUp = (fault: DialFault, detail: string): void => {
    settle();
    // Later errors of this socket are nobody's any more, and must not end the process.
    socket.on("error", ignore).destroy();
    events.fail(fault, detail);
  };
  const fail = (error: Error): void => giveUp("unreachable", error.message);
  const deadline = setTimeout(
    () => giveUp("connect_timeout", `no connection within ${connectTimeout} ms`),
    connectTimeout,
  );
  socket.once("error", fail).once("close", settle);
  socket.once("connect", () => {
    settle();
    events.open();
  });
}

function ignore(): void {}
