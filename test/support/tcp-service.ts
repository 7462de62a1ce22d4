// Services that speak bytes: one that does as a test wants it and remembers what reached it, and
// one that takes no connection.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A TCP service that does as a test wants it, and keeps what reached it. */
export interface TcpService {
  port: number;
  /** `127.0.0.1:<port>` */
  address: string;
  sockets: Socket[];
  /** all bytes that arrived, over all connections */
  received(): string;
  receivedSize(): number;
  close(): Promise<void>;
}

/** @param speak gets each connection; default: it sends back what it gets, until it gets no more */
export async function startTcpService(
  context: TestContext,
  speak: (socket: Socket) => void = (socket) => socket.pipe(socket),
): Promise<TcpService> {
  const sockets: Socket[] = [];
  const pieces: Buffer[] = [];
  let size = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
    speak(socket);
    if (socket.listenerCount("data") === 0) return;
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      size += piece.length;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  context.after(close);
  return {
    port,
    address: `127.0.0.1:${port}`,
    sockets,
    received: () => Buffer.concat(pieces).toString("latin1"),
    receivedSize: () => size,
    close,
  };
}

/**
 * A service that takes no connection and refuses none: its process is stopped, and the queue of its
 * listener full.
 */
export async function startDeafService(context: TestContext): Promise<{ address: string }> {
  const script = `require("node:net").createServer()
    .listen({port: 0, host: "127.0.0.1", backlog: 1}, function () {
      process.stdout.write(String(this.address().port));
    })`;
  const child = spawn(process.execPath, ["-e", script]);
  context.after(() => void child.kill("SIGKILL"));
  const [port] = await once(child.stdout, "data");
  child.kill("SIGSTOP");
  const sockets: Socket[] = [];
  context.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  // The system itself completes connections until the queue is full.
  let isFull = false;
  while (!isFull) {
    const socket = connect(Number(port), "127.0.0.1").on("error", () => undefined);
    sockets.push(socket);
    const wait = new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.race([once(socket, "connect"), wait]);
    // A test that was held up for so long sees first what has happened meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 50));
    isFull = socket.connecting;
  }
  return { address: `127.0.0.1:${Number(port)}` };
}
