// Both ends of TCP over WebSocket, each a process of its own, that cost little beside what they
// stand at: `client PORT GATEWAY HEADERS` listens, and carries each connection to the other port,
// as `access tcp` does; `server PORT TARGET` is the least that can stand at the other end.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { answerWebSocket, openWebSocket, readHead } from "./streams/raw-websocket.ts";
import { FrameReader, frameOf, opcodes } from "./streams/websocket-frames.ts";

const [, , side = "", port = "", other = "", headersFile = ""] = process.argv;
const host = "127.0.0.1";
const dial = side === "client" ? dialWebSocket() : dialTarget;
const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  dial(socket).catch((error: Error) => {
    console.error(error.message);
    socket.destroy();
  });
});
server.listen(Number(port), host, () => console.log("listening"));

/** Of the headers file: JSON, what the dial bears beside the handshake. */
function dialWebSocket(): (socket: Socket) => Promise<void> {
  const headers = JSON.parse(readFileSync(headersFile, "utf8"));
  return async (socket) => carry(socket, await openWebSocket(Number(other), "/", headers), true);
}

async function dialTarget(socket: Socket): Promise<void> {
  await readHead(socket);
  answerWebSocket(socket);
  const target = createConnection(Number(other), host).setNoDelay();
  await once(target, "connect");
  carry(target, socket, false);
}

/** Both ways, until one side ends. */
function carry(plain: Socket, stream: Socket, isClient: boolean): void {
  const reader = new FrameReader();
  plain.on("data", (chunk) => forward(plain, stream, frameOf(chunk, isClient)));
  stream.on("data", (chunk) => {
    for (const { opcode, payload } of reader.read(chunk)) {
      if (opcode === opcodes.close) plain.end();
      else if (opcode === opcodes.ping) stream.write(frameOf(payload, isClient, opcodes.pong));
      else if (opcode !== opcodes.pong) forward(stream, plain, payload);
    }
  });
  const end = () => {
    plain.destroySoon();
    stream.destroySoon();
  };
  for (const each of [plain, stream]) each.on("end", end).on("error", end);
  plain.resume();
  stream.resume();
}

/** One that cannot take more holds back the other. */
function forward(from: Socket, to: Socket, bytes: Buffer): void {
  if (to.write(bytes) || from.isPaused()) return;
  from.pause();
  to.once("drain", () => from.resume());
}
