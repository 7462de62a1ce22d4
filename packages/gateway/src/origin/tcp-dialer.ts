// Connections that carry bytes and no requests: each is one stream's own, and never kept.
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

/** What becomes of a connection that is dialled: one of `open` and `fail`. */
export interface DialEvents {
  open(): void;
  /** @param detail for the log */
  fail(fault: DialFault, detail: string): void;
  /** What arrived. @param bytes are overwritten after the call */
  data(bytes: Buffer): void;
}

// One for all connections: what was read is dealt with before the next read.
const readBuffer = Buffer.allocUnsafeSlow(pieceBytes);

/** Begins to connect. Each side of the connection ends by itself. */
export function dialTcp({ host, port }: TcpAddress, options: DialOptions, events: DialEvents) {
  const { connectTimeout, tcpKeepAlive } = options;
  const socket = connect({
    host: loopbackAddress(host) ?? host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAlive,
    onread: {
      buffer: readBuffer,
      callback: (length, bytes) => {
        events.data(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        return true;
      },
    },
  });
  watchDial(socket, connectTimeout, events);
  return socket;
}

function watchDial(socket: Socket, connectTimeout: number, events: DialEvents): void {
  const settle = (): void => {
    clearTimeout(deadline);
    socket.off("error", fail);
    socket.off("close", settle);
  };
  const giveUp = (fault: DialFault, detail: string): void => {
    settle();
    // Later errors of this socket are nobody's any more, and must not end the process.
    socket.on("error", ignore);
    socket.destroy();
    events.fail(fault, detail);
  };
  const fail = (error: Error): void => giveUp("unreachable", error.message);
  const deadline = setTimeout(
    () => giveUp("connect_timeout", `no connection within ${connectTimeout} ms`),
    connectTimeout,
  );
  socket.once("error", fail);
  socket.once("close", settle);
  socket.once("connect", () => {
    settle();
    events.open();
  });
}

function ignore(): void {}
