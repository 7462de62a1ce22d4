// 1,000 subscribers of an event stream: the next event goes out when the last one has reached all
// of them.
import type { Socket } from "node:net";
import type { Stage } from "../stage.ts";
import { Broadcaster, countMessages, openEventStream } from "./broadcaster.ts";
import { type Contender, compareInTurns, type Work } from "./compare.ts";
import { browserHeaders, startGateway } from "./gateway.ts";
import { startBareNginx } from "./peers.ts";
import { type Finding, half } from "./report.ts";

const subscribers = 1_000;
const seconds = 3;
const rounds = 3;
const forwardEvents = "proxy_pass http://origin; proxy_http_version 1.1; proxy_buffering off;";

export async function eventStream(stage: Stage): Promise<Finding[]> {
  const origin = await Broadcaster.start(stage);
  const gateway = await startGateway(stage, { service: `http://127.0.0.1:${origin.port}` });
  const nginx = await startBareNginx(stage, origin.port, forwardEvents);
  const headers = browserHeaders(gateway);
  const work = (port: number, start: () => void) => publish(origin, port, headers, start);
  const contenders: Contender[] = [
    { name: "**Postern**", pid: gateway.pid, run: (start) => work(gateway.port, start) },
    { name: "nginx", pid: nginx.pid, run: (start) => work(nginx.port, start) },
  ];
  return [
    {
      kind: "comparison",
      title: `event stream, ${subscribers} subscribers`,
      unit: { name: "events", cost: "μs" },
      results: await compareInTurns(contenders, rounds),
      promise: half,
    },
  ];
}

async function publish(
  origin: Broadcaster,
  port: number,
  headers: Record<string, string>,
  start: () => void,
): Promise<Work> {
  const opening = Array.from({ length: subscribers }, () => openEventStream(port, headers));
  const sockets = await Promise.all(opening);
  start();
  const begin = performance.now();
  const delays = await publishUntil(begin + seconds * 1_000, origin, sockets);
  const duration = (performance.now() - begin) / 1_000;
  for (const socket of sockets) socket.destroy();
  return { units: delays.length, seconds: duration, delays };
}

/** @returns how long each event took to each subscriber, milliseconds */
function publishUntil(
  end: number,
  origin: Broadcaster,
  sockets: readonly Socket[],
): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const delays: number[] = [];
  let sentAt = 0;
  let left = 0;
  const send = () => {
    sentAt = performance.now();
    left = sockets.length;
    origin.send();
  };
  for (const socket of sockets) {
    socket.once("close", () => reject(new Error("a subscription ended before its time")));
    countMessages(socket, () => {
      const now = performance.now();
      delays.push(now - sentAt);
      left--;
      if (left > 0) return;
      if (now > end) resolve(delays);
      else send();
    });
  }
  send();
  return promise;
}
