// A gibibyte over one WebSocket, in each direction, beside nginx.
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Stage } from "../stage.ts";
import { compareInTurns, type Work } from "./compare.ts";
import { browserHeaders, startGateway } from "./gateway.ts";
import { startBareNginx } from "./peers.ts";
import { openWebSocket, startWebSocketOrigin } from "./raw-websocket.ts";
import { type Finding, half } from "./report.ts";
import { frameOf } from "./websocket-frames.ts";

const rounds = 3;
const text = Buffer.alloc(64, "x");
const answer = frameOf(text, false);

const mebibyte = 2 ** 20;
const bigMebibytes = 1_024;
const piece = Buffer.alloc(65_536, "x");
const pieces = (bigMebibytes * mebibyte) / piece.length;
const pieceDown = frameOf(piece, false);
const forwardUpgrade = `proxy_pass http://origin; proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`;
const pieceUp = frameOf(piece, true);

export async function largeMessages(stage: Stage): Promise<Finding[]> {
  const origin = await startWebSocketOrigin(serve);
  stage.onEnd(() => origin.close());
  const gateway = await startGateway(stage, { service: `http://127.0.0.1:${origin.port}` });
  const nginx = await startBareNginx(stage, origin.port, forwardUpgrade);
  const headers = browserHeaders(gateway);
  const compare = (work: (open: Open) => Promise<Work>) =>
    compareInTurns(
      [
        { name: "**Postern**", ...gateway },
        { name: "nginx", ...nginx },
      ].map(({ name, pid, port }) => ({
        name,
        pid,
        run: () => work((path) => openWebSocket(port, path, headers)),
      })),
      rounds,
    );
  const bytes = { name: "MiB", cost: "ms" } as const;
  return [
    {
      kind: "comparison",
      title: "WebSocket, 1 GiB to one client",
      unit: bytes,
      results: await compare(takeMuch),
      promise: half,
    },
    {
      kind: "comparison",
      title: "WebSocket, 1 GiB from one client",
      unit: bytes,
      results: await compare(giveMuch),
      promise: half,
    },
  ];
}

type Open = (path: string) => Promise<Socket>;

function serve(socket: Socket, path: string): void {
  if (path === "/much") sendPieces(socket, pieceDown).catch(() => socket.destroy());
  else countBytes(socket, pieces * pieceUp.length, () => socket.write(answer));
}

async function takeMuch(open: Open): Promise<Work> {
  const socket = await open("/much");
  const begin = performance.now();
  await new Promise<void>((resolve, reject) => {
    countBytes(socket, pieces * pieceDown.length, resolve);
    socket.once("close", () => reject(new Error("the stream ended before its end")));
  });
  socket.destroy();
  return { units: bigMebibytes, seconds: (performance.now() - begin) / 1_000 };
}

/** It is over when the origin says that it has everything. */
async function giveMuch(open: Open): Promise<Work> {
  const socket = await open("/take");
  const begin = performance.now();
  const answered = new Promise<void>((resolve, reject) => {
    countBytes(socket, answer.length, resolve);
    socket.once("close", () => reject(new Error("the stream ended before its end")));
  });
  await Promise.all([sendPieces(socket, pieceUp), answered]);
  socket.destroy();
  return { units: bigMebibytes, seconds: (performance.now() - begin) / 1_000 };
}

async function sendPieces(socket: Socket, frame: Buffer): Promise<void> {
  const all = Array.from({ length: pieces }, () => frame);
  await pipeline(Readable.from(all, { highWaterMark: 1 }), socket, { end: false });
}

function countBytes(socket: Socket, total: number, onAll: () => void): void {
  let count = 0;
  socket.on("data", (chunk) => {
    count += chunk.length;
    if (count === total) onAll();
  });
  socket.resume();
}
