// An origin whose streams say nothing by themselves: a message goes to all of them at once.
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import type { Stage } from "../stage.ts";
import { answerWebSocket, isWebSocket, readHead } from "./raw-websocket.ts";
import { frameOf } from "./websocket-frames.ts";

/** One byte that stands in each message once, and nowhere else in what carries it. */
const mark = "!".charCodeAt(0);
const message = "!";
const frame = frameOf(Buffer.from(message), false);
const event = `data: ${message}\n\n`;
const chunk = Buffer.from(`${event.length.toString(16)}\r\n${event}\r\n`);

const eventStream = [
  "HTTP/1.1 200 OK",
  "Content-Type: text/event-stream",
  "Cache-Control: no-store",
  "Transfer-Encoding: chunked",
  "",
  "",
].join("\r\n");

/** Answers upgrades with WebSockets and everything else with event streams. */
export class Broadcaster {
  readonly port: number;
  /** what a message is on each of them */
  readonly #streams: Map<Socket, Buffer>;

  private constructor(port: number, streams: Map<Socket, Buffer>) {
    this.port = port;
    this.#streams = streams;
  }

  static async start(stage: Stage): Promise<Broadcaster> {
    const streams = new Map<Socket, Buffer>();
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("close", () => streams.delete(socket));
      readHead(socket).then(
        (head) => streams.set(socket, open(socket, head)),
        () => socket.destroy(),
      );
    });
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
    await once(server, "listening");
    stage.onEnd(() => {
      server.close();
      for (const socket of streams.keys()) socket.destroy();
    });
    return new Broadcaster((server.address() as AddressInfo).port, streams);
  }

  get count(): number {
    return this.#streams.size;
  }

  send(): void {
    for (const [socket, bytes] of this.#streams) socket.write(bytes);
  }
}

/** @returns what a message is on this stream */
function open(socket: Socket, head: string): Buffer {
  socket.resume();
  if (isWebSocket(head)) {
    answerWebSocket(socket);
    return frame;
  }
  socket.write(eventStream);
  return chunk;
}

/** Opens an event stream. @throws {Error} when the answer is none */
export async function openEventStream(
  port: number,
  headers: Record<string, string>,
): Promise<Socket> {
  const socket = createConnection(port, "127.0.0.1").setNoDelay();
  await once(socket, "connect");
  const all = { ...headers, Accept: "text/event-stream" };
  const lines = Object.entries(all).map((each) => each.join(": "));
  socket.write(["GET /events HTTP/1.1", ...lines, "", ""].join("\r\n"), "latin1");
  const head = await readHead(socket);
  if (!/^HTTP\/1.1 200 .*text\/event-stream/is.test(head))
    throw new Error(`no event stream: ${head.slice(0, 500)}`);
  return socket;
}

/** Calls `onMessages` with how many came, on a stream of either kind. */
export function countMessages(socket: Socket, onMessages: (count: number) => void): void {
  socket.on("data", (bytes) => {
    let count = 0;
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) count++;
    if (count > 0) onMessages(count);
  });
  socket.resume();
}
