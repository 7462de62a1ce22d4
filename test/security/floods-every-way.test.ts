// Requests that are begun to be broken off (case O6), by every way in: a flood costs the connection
// that it comes on, reaches the origin in a number that is bounded, and harms nobody else.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { application, open } from "../../packages/gateway/test/access/access-fixture.ts";
import { simpleSections } from "../support/gateway.ts";
import * as h2 from "../support/h2-frames.ts";
import { leaveOut } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { held, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Door, type WayIn, waysIn } from "../support/ways-in.ts";

/** Streams or requests of one flood, at most. */
const asked = 100_000;
/** Of these, what may have reached an origin: what was under way before the flood was noticed. */
const reachedAtMost = 2_000;

interface Scene {
  door: Door;
  upstream: Upstream;
}

async function openScene(context: TestContext, way: WayIn): Promise<Scene> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const sections = {
    ...simpleSections(upstream.origin),
    applications: [application("app", [open])],
  };
  const door = await way.open({ ...sections, limits: { origin_connections: 50 } });
  context.after(() => door.close());
  return { door, upstream };
}

/** What is begun is broken off at the origin as well, and others are served. */
async function assertOver({ door, upstream }: Scene): Promise<void> {
  for (const request of upstream.requests) await request.ended;
  assert.ok(upstream.requests.length <= reachedAtMost, `${upstream.requests.length} arrived`);
  assert.ok(upstream.connections <= reachedAtMost, `${upstream.connections} connections`);
  assert.ok(door.gateway.events.length < 200, `${door.gateway.events.length} events`);
  upstream.reset();
  const { status } = await door.ask({ target: "/innocent" });
  assert.equal(status, 200);
  const seen = upstream.requests.filter(({ url }) => url === "/innocent");
  assert.equal(seen.length, 1);
}

const get = (path: string) => h2.requestFields("app.localhost", path);

/** What a client sends for stream after stream: begun, and broken off at once. */
const resets: Record<string, (stream: number) => readonly Buffer[]> = {
  "resets its streams": (stream) => [h2.headers(stream, get("/held")), h2.rstStream(stream)],
  "resets its streams behind a body": (stream) => [
    h2.headers(stream, h2.requestFields("app.localhost", "/held", [], "POST"), 0),
    h2.data(stream, "x", 0),
    h2.rstStream(stream),
  ],
  "makes the gateway reset its streams": (stream) => [
    h2.headers(stream, get("/held")),
    h2.windowUpdate(stream, 0),
  ],
};

const overHttp2 = waysIn.filter(({ kind }) => kind === "http2");

for (const way of overHttp2)
  for (const [what, frames] of Object.entries(resets))
    test(`O6 a client that ${what} by the hundred thousand loses its connection, ${way.name}`, async (context) => {
      const scene = await openScene(context, way);
      scene.upstream.answerWith(held().answer);
      const client = await h2.FrameClient.open(scene.door.port);
      context.after(() => client.close());
      for (let index = 0; index < asked && !client.closed; index++) {
        client.send(...frames(2 * index + 1));
        if (index % 100 === 0) await turn();
      }
      await until(() => client.closed);
      await assertOver(scene);
    });

const pipelined = 10_000;
const line = "GET /held HTTP/1.1\r\nHost: app.localhost\r\n\r\n";

for (const way of waysIn.filter(({ kind }) => kind !== "http2"))
  test(
    `O6 a client that sends ten thousand requests at once and goes has one under way, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const scene = await openScene(context, way);
      scene.upstream.answerWith(held().answer);
      const socket = connect({ host: "127.0.0.1", port: scene.door.port });
      socket.on("error", () => undefined);
      socket.write(line.repeat(pipelined));
      await scene.upstream.seen(1);
      assert.equal(scene.upstream.requests.length, 1);
      socket.resetAndDestroy();
      await assertOver(scene);
    },
  );

const connections = 1_000;

for (const way of waysIn.filter(({ kind }) => kind !== "http2"))
  test(
    `O6 a thousand clients that ask and go at once harm nobody, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const scene = await openScene(context, way);
      scene.upstream.answerWith(held().answer);
      let gone = 0;
      for (let index = 0; index < connections; index++) {
        const socket = connect({ host: "127.0.0.1", port: scene.door.port });
        socket.on("error", () => undefined);
        socket.on("close", () => gone++);
        socket.write(line, () => socket.resetAndDestroy());
        if (index % 50 === 49) await until(() => gone > index - 50);
      }
      await until(() => gone === connections);
      await assertOver(scene);
    },
  );
