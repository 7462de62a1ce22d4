// The HTTP/2 sessions with one service, in the moments that a whole gateway cannot be made to meet
// on purpose.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import type { OriginEvents, OriginRequestHead } from "../../src/origin/origin-request.ts";
import { SessionPool } from "../../src/origin/session-pool.ts";

async function startPool(context: TestContext) {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const timeouts = { connectTimeout: 60_000, responseTimeout: 60_000, bodyTimeout: 60_000 };
  const rule = {
    service: { kind: "http" as const, origin },
    originRequest: { ...timeouts, tcpKeepAlive: 60_000, http2Origin: true },
  };
  const pool = new SessionPool(rule as ConstructorParameters<typeof SessionPool>[0], 4);
  context.after(() => {
    pool.close();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { pool, sessions };
}

const post: OriginRequestHead = {
  method: "POST",
  target: "/",
  rawHeaders: ["Host", "x"],
  framing: "chunked",
  expectsContinue: false,
};

function exchange() {
  const over = Promise.withResolvers<string>();
  const drained = Promise.withResolvers<void>();
  let body = "";
  const events: OriginEvents = {
    information: () => undefined,
    head: () => undefined,
    data: (chunk) => {
      body += chunk.toString();
    },
    flush: () => undefined,
    end: () => over.resolve(body),
    fail: (fault, detail) => over.reject(new Error(`${fault}: ${detail}`)),
    drain: drained.resolve,
  };
  return { events, over: over.promise, drained: drained.promise };
}

test("a body that comes before the session stands waits for it, and arrives whole", async (context) => {
  const { pool } = await startPool(context);
  const request = pool.take();
  const { events, over, drained } = exchange();
  request.start(post, events);
  assert.equal(request.write(Buffer.from("early ")), false, "wait");
  await drained;
  request.write(Buffer.from("late"));
  request.end([]);
  assert.equal(await over, "early late");

  // One that has ended by then, too.
  const whole = pool.take();
  const other = exchange();
  whole.start(post, other.events);
  whole.write(Buffer.from("all"));
  whole.end([]);
  assert.equal(await other.over, "all");
});

test("a session that serves nobody is ended after a while, and one that serves somebody is not", async (context) => {
  const { pool, sessions } = await startPool(context);
  const request = pool.take();
  const { events, over, drained } = exchange();
  request.start(post, events);
  request.write(Buffer.from("x"));
  await drained;
  const later = () => performance.now() + 31_000;
  pool.sweep(later());
  assert.equal(pool.isNeeded(), true);
  request.end([]);
  assert.equal(await over, "x");

  await until(() => !pool.isNeeded());
  assert.equal(sessions[0]?.closed, false);
  pool.sweep(performance.now());
  assert.equal(sessions[0]?.closed, false);
  pool.sweep(later());
  await until(() => sessions[0]?.closed === true);
});

test("a request that is given up before the session stands leaves room for another", async (context) => {
  const { pool } = await startPool(context);
  const first = pool.take();
  first.start(post, exchange().events);
  first.destroy();
  assert.equal(pool.isNeeded(), false);
  const request = pool.take();
  const { events, over } = exchange();
  request.start({ ...post, framing: "none", method: "GET" }, events);
  assert.equal(await over, "");
});
