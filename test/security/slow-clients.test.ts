// Clients that take their time, by the thousand (case O5): each is let go when its time is over,
// however it spends it, and others are served meanwhile as ever.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { application, open } from "../../packages/gateway/test/access/access-fixture.ts";
import { simpleSections } from "../support/gateway.ts";
import * as h2 from "../support/h2-frames.ts";
import { certificateFor } from "../support/tls.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type Door, type WayIn, waysIn } from "../support/ways-in.ts";

/** Half of what this process may have open, since both ends are in it. */
function connectionsAtMost(wanted: number): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const [, descriptors = "1024"] = /^Max open files +(\d+)/m.exec(limits) ?? [];
  return Math.min(wanted, Math.floor((Number(descriptors) - 400) / 2));
}

const limits = { header_timeout: "2s", idle_timeout: "2s", body_timeout: "60s" };

async function openDoor(
  context: TestContext,
  way: WayIn,
  tls?: Parameters<WayIn["open"]>[1],
): Promise<{ door: Door; upstream: Upstream }> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const sections = {
    ...simpleSections(upstream.origin),
    applications: [application("app", [open])],
  };
  const door = await way.open({ ...sections, limits }, tls);
  context.after(() => door.close());
  return { door, upstream };
}

/** Connections that have said this much, and say no more by themselves. */
async function openMany(
  context: TestContext,
  port: number,
  count: number,
  bytes: Buffer,
): Promise<{ sockets: Socket[]; left(): number }> {
  let left = count;
  const sockets: Socket[] = [];
  context.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  let connected = 0;
  for (let index = 0; index < count; index++) {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    socket.on("connect", () => connected++);
    socket.on("close", () => left--);
    socket.resume();
    if (bytes.length > 0) socket.write(bytes);
    sockets.push(socket);
    // The listener's queue is shorter than the crowd.
    if (index % 100 === 99) await until(() => connected > index - 100);
  }
  await until(() => connected === count);
  return { sockets, left: () => left };
}

/** Twenty requests on one connection, each with its answer. */
async function assertServed(context: TestContext, { port }: Door, isTls: boolean): Promise<void> {
  const client = await h2.FrameClient.open(
    port,
    isTls ? { servername: "app.localhost" } : undefined,
  );
  context.after(() => client.close());
  for (let stream = 1; stream < 40; stream += 2) {
    client.send(h2.headers(stream, h2.requestFields("app.localhost")));
    assert.equal((await client.outcome(stream)).status, 200);
  }
}

/** What strangers may make the gateway write into its log: next to nothing. */
function assertQuiet({ gateway }: Door): void {
  assert.ok(gateway.events.length < 100, `${gateway.events.length} events`);
}

const direct = waysIn.filter(({ kind }) => kind !== "nginx");

/** The first bytes of a handshake, which never goes on. */
const halfHello = Buffer.from("160301020001", "hex");

for (const way of direct.filter(({ kind }) => kind === "http1"))
  test(`O5 thousands of TLS handshakes that never end harm nobody, ${way.name}`, async (context) => {
    const tls = [certificateFor(context, ["app.localhost"])];
    const { door, upstream } = await openDoor(context, way, tls);
    const crowd = await openMany(context, door.port, connectionsAtMost(5_000), halfHello);
    await assertServed(context, door, true);
    await until(() => crowd.left() === 0);
    assertQuiet(door);
    assert.equal(upstream.requests.length, 20);
  });

/** What is sent byte by byte, and never comes to its end. */
const dripped: Record<WayIn["kind"], readonly Buffer[]> = {
  http1: [
    Buffer.from(`GET / HTTP/1.1\r\nHost: app.localhost\r\nX: ${"y".repeat(10_000)}`),
    Buffer.from(`GET /${"y".repeat(10_000)}`),
    Buffer.from("\r\n".repeat(5_000)),
    Buffer.alloc(0),
  ],
  http2: [
    Buffer.concat([h2.preface, Buffer.alloc(10_000)]),
    Buffer.concat([
      h2.preface,
      h2.settings(),
      h2.frame("HEADERS", 0, 1, h2.block(h2.requestFields("app.localhost"))),
      ...Array.from({ length: 1_000 }, (_, index) =>
        h2.frame("CONTINUATION", 0, 1, h2.block([[`x-${index}`, "y"]])),
      ),
    ]),
    h2.preface,
  ],
  nginx: [],
};

for (const way of direct)
  test(`O5 hundreds of clients that send their heads byte by byte are let go, and harm nobody, ${way.name}`, async (context) => {
    const { door, upstream } = await openDoor(context, way);
    const sends = dripped[way.kind];
    const start = way.kind === "http2" ? h2.preface.length : 4;
    const crowds = await Promise.all(
      sends.map((bytes) =>
        openMany(
          context,
          door.port,
          connectionsAtMost(600 / sends.length),
          bytes.subarray(0, start),
        ),
      ),
    );
    let at = start;
    const drip = setInterval(() => {
      for (const [index, { sockets }] of crowds.entries())
        for (const socket of sockets) socket.write(sends[index]?.subarray(at, at + 1) ?? "");
      at++;
    }, 100);
    context.after(() => clearInterval(drip));
    await assertServed(context, door, false);
    await until(() => crowds.every((crowd) => crowd.left() === 0));
    assertQuiet(door);
    assert.equal(upstream.requests.length, 20);
  });

for (const way of direct.filter(({ kind }) => kind === "http2"))
  test(`O5 hundreds of connections that ask for nothing more are let go, and harm nobody, ${way.name}`, async (context) => {
    const { door, upstream } = await openDoor(context, way);
    const first = h2.headers(1, h2.requestFields("app.localhost"));
    const bytes = Buffer.concat([h2.preface, h2.settings(), first]);
    const crowd = await openMany(context, door.port, connectionsAtMost(500), bytes);
    await upstream.seen(crowd.sockets.length);
    await assertServed(context, door, false);
    await until(() => crowd.left() === 0);
    assertQuiet(door);
  });
