// `PORT DELAY`: an origin that thinks for a while over every request, and costs next to nothing
// itself: 1 kB after so many milliseconds; `/credentials` says at once what came to it.
import { createServer, type Socket } from "node:net";
import { credentialsIn } from "./load/credentials.ts";

const headEnd = "\r\n\r\n";
const [, , port, delay] = process.argv;
const body = "x".repeat(1_024);
const answer = answerOf(body);

createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  let rest = "";
  socket.on("data", (chunk) => {
    const heads = (rest + chunk.toString("latin1")).split(headEnd);
    rest = heads.pop() ?? "";
    for (const head of heads) take(socket, head);
  });
}).listen({ port: Number(port), host: "127.0.0.1", backlog: 4_096 });

function take(socket: Socket, head: string): void {
  if (head.startsWith("GET /credentials ")) socket.write(answerOf(credentialsIn(head)));
  else setTimeout(() => socket.write(answer), Number(delay));
}

function answerOf(text: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}${headEnd}${text}`;
}
