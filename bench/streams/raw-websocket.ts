// WebSockets that cost next to nothing at both ends, so that what is between them is what is
// measured: plain sockets, and a handshake that is made once.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { credentialsIn } from "../load/credentials.ts";

const headEnd = "\r\n\r\n";
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** of RFC 6455 1.3 */
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const acceptance = createHash("sha1").update(`${key}${acceptSuffix}`).digest("base64");

/**
 * Opens a WebSocket.
 * @param headers beside those of the handshake
 * @returns the socket, which is paused: nothing was read yet of what comes after the answer
 * @throws {Error} when the answer is not 101
 */
export async function openWebSocket(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<Socket> {
  const socket = createConnection(port, "127.0.0.1");
  socket.setNoDelay();
  await once(socket, "connect");
  const lines = Object.entries({ ...headers, ...handshake }).map((each) => each.join(": "));
  socket.write([`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"), "latin1");
  const head = await readHead(socket);
  if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`no WebSocket: ${head.slice(0, 500)}`);
  return socket;
}

const handshake = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": key,
};

/** Reads up to the empty line. What comes after it is read when the socket is resumed. */
export function readHead(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const end = text.indexOf(headEnd);
      if (end < 0) return;
      socket.pause();
      socket.off("data", take);
      const rest = text.slice(end + headEnd.length);
      if (rest !== "") socket.unshift(Buffer.from(rest, "latin1"));
      resolve(text.slice(0, end));
    };
    socket.on("data", take).resume();
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`the connection ended: ${text}`)));
  });
}

export function isWebSocket(head: string): boolean {
  return /^upgrade: *websocket *$/im.test(head);
}

/** Answers a handshake, whatever else it asks for. */
export function answerWebSocket(socket: Socket): void {
  const accept = `Sec-WebSocket-Accept: ${acceptance}`;
  const answer = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", accept];
  socket.write([...answer, "Upgrade: websocket", "", ""].join("\r\n"));
}

function answerCredentials(socket: Socket, head: string): void {
  const text = credentialsIn(head);
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}${headEnd}${text}`);
}

/**
 * Accepts every handshake, and hands the socket over, paused, with the path it asked for;
 * `/credentials` is told what came to it.
 */
export async function startWebSocketOrigin(
  onOpen: (socket: Socket, path: string) => void,
): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    readHead(socket).then(
      (head) => {
        if (head.startsWith("GET /credentials ")) {
          answerCredentials(socket, head);
          return;
        }
        answerWebSocket(socket);
        onOpen(socket, head.split(" ", 2)[1] ?? "/");
      },
      () => socket.destroy(),
    );
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
