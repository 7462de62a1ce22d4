// A client and an origin that cost next to nothing, so that the gateway between them is what is
// measured: bytes that are made once, over plain sockets, one request at a time on each connection.
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Server } from "node:net";

const connections = 64;
const headEnd = "\r\n\r\n";
const noContent = `HTTP/1.1 204 No Content${headEnd}`;

/** Answers every request with 204; knows no bodies. */
export async function startRawOrigin(): Promise<{ port: number; close(): void }> {
  const server: Server = createServer((socket) => {
    socket.setNoDelay();
    socket.on("error", () => socket.destroy());
    let rest = "";
    socket.on("data", (chunk) => {
      const heads = (rest + chunk.toString("latin1")).split(headEnd);
      rest = heads.pop() ?? "";
      if (heads.length > 0) socket.write(noContent.repeat(heads.length));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

/**
 * Sends requests until `next` has no more, each as soon as the one before it on its connection is
 * answered.
 * @param next the next request, byte for byte
 * @returns how many were answered
 * @throws {Error} when an answer is not 204, or a connection ends
 */
export async function sendRequests(port: number, next: () => string | undefined): Promise<number> {
  const lanes = Array.from({ length: connections }, () => drive(port, next));
  const counts = await Promise.all(lanes);
  return counts.reduce((sum, count) => sum + count, 0);
}

function drive(port: number, next: () => string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1");
    let count = 0;
    let answer = "";
    const send = () => {
      const request = next();
      if (request !== undefined) {
        socket.write(request, "latin1");
        return;
      }
      socket.destroy();
      resolve(count);
    };
    socket.setNoDelay();
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the gateway ended a connection")));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (!answer.endsWith(headEnd)) return;
      if (!answer.startsWith("HTTP/1.1 204")) reject(new Error(answer.slice(0, 500)));
      answer = "";
      count++;
      send();
    });
  });
}
