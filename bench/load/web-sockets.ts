// Clients of WebSockets that each wait for the echo of a short message before they send the next,
// and their origin. All frames are of one size: what they say needs no reading.
import type { Socket } from "node:net";
import { quantile } from "../median.ts";
import type { Stage } from "../stage.ts";
import { openWebSocket, startWebSocketOrigin } from "../streams/raw-websocket.ts";
import { frameOf } from "../streams/websocket-frames.ts";
import type { Target } from "./probe.ts";
import { FailedRun, type Run } from "./run.ts";

export const clients = 200;
const text = Buffer.alloc(64, "x");
const question = frameOf(text, true);
const answer = frameOf(text, false);

/** @returns its port */
export async function startEchoOrigin(stage: Stage): Promise<number> {
  const origin = await startWebSocketOrigin((socket) => {
    countFrames(socket, question.length, (count) => socket.write(repeated(answer, count)));
  });
  stage.onEnd(() => origin.close());
  return origin.port;
}

/** @throws {FailedRun} when a WebSocket is refused or ends, or an echo is another message */
export async function exchangeMessages(
  { port, headers }: Target,
  seconds: number,
  start: () => void,
): Promise<Run> {
  const all = { ...headers, Origin: `http://${headers["Host"]}` };
  const sockets = await Promise.all(
    Array.from({ length: clients }, () => openWebSocket(port, "/echo", all)),
  );
  start();
  const delays: number[] = [];
  const begin = performance.now();
  try {
    await Promise.all(sockets.map((socket) => talk(socket, begin + seconds * 1_000, delays)));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return {
    requests: delays.length,
    seconds: (performance.now() - begin) / 1_000,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
  };
}

function talk(socket: Socket, end: number, delays: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = performance.now();
    socket.once("data", (chunk: Buffer) => {
      if (!chunk.subarray(0, answer.length).equals(answer.subarray(0, chunk.length)))
        reject(new FailedRun("an echo is another message"));
    });
    countFrames(socket, answer.length, () => {
      const now = performance.now();
      delays.push(now - sentAt);
      sentAt = now;
      if (now > end) resolve();
      else socket.write(question);
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new FailedRun("a WebSocket ended before its time")));
    socket.write(question);
  });
}

function countFrames(socket: Socket, size: number, onFrames: (count: number) => void): void {
  let rest = 0;
  socket.on("data", (chunk) => {
    rest += chunk.length;
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) onFrames(count);
  });
  socket.resume();
}

function repeated(frame: Buffer, count: number): Buffer {
  return count === 1 ? frame : Buffer.concat(Array.from({ length: count }, () => frame));
}
