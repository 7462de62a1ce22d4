// 1,000 open streams of 100 people, half of them WebSockets and half event streams: one person
// after the other signs out, and their streams end. Nobody else's do.
import { once } from "node:events";
import { request } from "node:http";
import type { Socket } from "node:net";
import { median } from "../median.ts";
import type { Stage } from "../stage.ts";
import { connectionsByProcess } from "../tcp-connections.ts";
import { Broadcaster, countMessages, openEventStream } from "./broadcaster.ts";
import { applicationHost, browserHeaders, type Gateway, startGateway } from "./gateway.ts";
import { openWebSocket } from "./raw-websocket.ts";
import type { Finding } from "./report.ts";

const people = 100;
/** of each person; half of them WebSockets */
const streams = 10;
const leaving = 5;
const limitMs = 1_000;

export async function revocation(stage: Stage): Promise<Finding[]> {
  const origin = await Broadcaster.start(stage);
  return [
    ...(await revokeFrom(stage, origin, "one process", {})),
    ...(await revokeFrom(stage, origin, "two workers", { workers: 2 })),
  ];
}

async function revokeFrom(
  stage: Stage,
  origin: Broadcaster,
  what: string,
  sections: Record<string, unknown>,
): Promise<Finding[]> {
  const service = `http://127.0.0.1:${origin.port}`;
  const gateway = await startGateway(stage, { service, people, sections });
  const crowd: Socket[][] = [];
  for (let person = 0; person < people; person++) crowd.push(await openAll(gateway, person));
  const shares = [...connectionsByProcess(gateway).values()].map((each) => each.size);

  const times: number[] = [];
  for (const [person, sockets] of crowd.slice(0, leaving).entries())
    times.push(await signOut(gateway, person, sockets));

  const others = crowd.slice(leaving).flat();
  const heard = await hearing(origin, others);
  for (const socket of crowd.flat()) socket.destroy();
  const total = people * streams;
  const figures = `${median(times).toFixed(0)} ms, at most ${Math.max(...times).toFixed(0)} ms`;
  return [
    {
      kind: "statement",
      text: `revocation, ${what} (${shares.join(" + ")} of ${total} streams): the person's ${streams} have ended after ${figures}`,
      holds: Math.max(...times) < limitMs,
    },
    {
      kind: "statement",
      text: `revocation, ${what}: ${heard} of the ${others.length} streams of others go on`,
      holds: heard === others.length,
    },
  ];
}

function openAll(gateway: Gateway, person: number): Promise<Socket[]> {
  const headers = browserHeaders(gateway, person);
  const opening = Array.from({ length: streams }, (_, nth) => {
    if (nth % 2 === 0) return openWebSocket(gateway.port, "/chat", headers);
    return openEventStream(gateway.port, headers);
  });
  return Promise.all(opening);
}

/** @returns milliseconds from the click until the last stream has ended */
async function signOut(gateway: Gateway, person: number, sockets: Socket[]): Promise<number> {
  const ended = sockets.map((socket) => {
    socket.resume();
    return once(socket, "close");
  });
  const begin = performance.now();
  const answered = clickSignOut(gateway, person);
  await Promise.all(ended);
  const duration = performance.now() - begin;
  await answered;
  return duration;
}

/** As a browser asks whose person clicked on a link of the page. */
async function clickSignOut({ port, tokens }: Gateway, person: number): Promise<void> {
  const clicked = request({
    port,
    host: "127.0.0.1",
    path: "/cdn-cgi/access/logout",
    headers: {
      Host: applicationHost,
      Cookie: `CF_Authorization=${tokens[person]}`,
      "Sec-Fetch-Site": "same-origin",
      "Sec-Fetch-Mode": "navigate",
    },
    agent: false,
  }).end();
  const [response] = await once(clicked, "response");
  response.resume();
  if (response.statusCode !== 200) throw new Error(`signing out: ${response.statusCode}`);
}

/** @returns how many of them hear a message that is sent to all within the time that all have */
async function hearing(origin: Broadcaster, sockets: readonly Socket[]): Promise<number> {
  const { promise: all, resolve } = Promise.withResolvers<void>();
  let count = 0;
  for (const socket of sockets) {
    countMessages(socket, () => {
      count++;
      if (count === sockets.length) resolve();
    });
  }
  origin.send();
  const timer = setTimeout(resolve, 10 * limitMs);
  await all;
  clearTimeout(timer);
  return count;
}
