// What a killed worker costs: the requests on its own connections, and no others.
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { startOrigin } from "../nginx.ts";
import { freePorts } from "../process.ts";
import type { Stage } from "../stage.ts";
import { connectionsByProcess } from "../tcp-connections.ts";
import { browserHeaders, type Gateway, startGateway } from "./gateway.ts";
import type { Finding } from "./report.ts";

const seconds = 3;
const connections = 64;
/** between one connection and the next */
const pauseMs = 20;

export async function workers(stage: Stage): Promise<Finding[]> {
  const [origin = 0] = await freePorts(1);
  await stage.keep(startOrigin(stage.folder, origin));
  const service = `http://127.0.0.1:${origin}`;
  const two = await startGateway(stage, { service, sections: { workers: 2 } });
  return [await killWorker(two)];
}

/** What the clients of a gateway saw. */
interface Seen {
  answers: number;
  /** the ports of the connections that ended in the middle of a request */
  failed: number[];
}

async function killWorker(gateway: Gateway): Promise<Finding> {
  const seen: Seen = { answers: 0, failed: [] };
  const end = performance.now() + 2 * seconds * 1_000;
  const lanes: Promise<void>[] = [];
  // Of those that come at once the first worker takes all.
  for (let count = 0; count < connections; count++) {
    lanes.push(drive(gateway, end, seen));
    await wait(pauseMs);
  }
  const [victim] = [...connectionsByProcess(gateway)].filter(([pid]) => pid !== gateway.pid);
  if (victim === undefined) throw new Error("no worker has a connection");
  const [pid, ports] = victim;
  process.kill(pid, "SIGKILL");
  await Promise.all(lanes);
  const others = seen.failed.filter((port) => !ports.has(port)).length;
  const text = `a worker killed under load: of ${seen.answers + seen.failed.length} requests ${seen.failed.length} failed, on its ${ports.size} connections of ${connections}; ${others} on others`;
  return { kind: "statement", text, holds: others === 0 };
}

/** One request after the other, on a new connection when the last one has ended. */
async function drive(gateway: Gateway, end: number, seen: Seen): Promise<void> {
  const lines = Object.entries(browserHeaders(gateway)).map((each) => each.join(": "));
  const request = ["GET /1k HTTP/1.1", ...lines, "", ""].join("\r\n");
  while (performance.now() < end) {
    const socket = createConnection(gateway.port, "127.0.0.1").setNoDelay();
    await once(socket, "connect");
    const port = socket.localPort ?? 0;
    const isWhole = await askUntil(end, socket, request, seen);
    socket.destroy();
    if (!isWhole) seen.failed.push(port);
  }
}

/** @returns whether every request on the connection was answered */
function askUntil(end: number, socket: Socket, request: string, seen: Seen): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let size = 0;
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    if (size === 0) size = sizeOf(answer);
    if (size === 0 || answer.length < size) return;
    answer = "";
    size = 0;
    seen.answers++;
    if (performance.now() < end) socket.write(request);
    else resolve(true);
  });
  // A connection that is reset says so before it closes.
  socket.on("error", () => undefined);
  socket.once("close", () => resolve(false));
  socket.write(request);
  return promise;
}

/** @returns how long head and body are; 0 while the head is not whole */
function sizeOf(answer: string): number {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return 0;
  const length = /^content-length: (\d+)/im.exec(answer)?.[1];
  if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer.slice(0, 500));
  return end + 4 + Number(length);
}
