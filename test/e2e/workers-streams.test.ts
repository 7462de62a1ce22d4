// A thousand open streams of a hundred people, over two workers: when the session of one of them
// ends, each of their streams ends, whichever worker carries it, and nobody else notices.
import assert from "node:assert/strict";
import { type Agent, get, type IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { compose, type Parts } from "../../packages/gateway/src/compose.ts";
import { readConfigFile } from "../../packages/gateway/src/config/config-file.ts";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { until } from "../support/until.ts";
import { appHost, startWorkers, type Workers } from "./workers-fixture.ts";

const people = 100;
const streamsEach = 10;

interface Stream {
  person: number;
  /** how much of it has arrived */
  bytes: number;
  isOver: boolean;
}

/** Another process of the same store, which begins and ends sessions. */
async function besideIt(context: TestContext, { operator }: Workers): Promise<Parts> {
  const { config } = readConfigFile({ file: operator.file, environment: {} });
  const parts = await compose({ config, record: () => undefined });
  context.after(async () => {
    parts.handler.close();
    await parts.store.close();
  });
  return parts;
}

async function sessionFor(parts: Parts, person: number): Promise<StoredSession> {
  return parts.sessions.start({
    kind: "terminal",
    identity: identityOf(`person${person}@example.com`),
    userAgent: "test",
    lifetimeMs: 60 * 60_000,
  });
}

function openStream(
  port: number,
  { person, token, agent }: { person: number; token: string; agent?: Agent },
): Promise<Stream> {
  const headers = { Host: `${appHost}:${port}`, "cf-access-token": token };
  const connection = { host: "127.0.0.1", port, agent: agent ?? (false as const) };
  return new Promise((resolve, reject) => {
    const request = get({ ...connection, path: "/stream", headers });
    request.on("error", reject);
    request.on("response", (response: IncomingMessage) => {
      const stream: Stream = { person, bytes: 0, isOver: false };
      response.on("data", ({ length }: Buffer) => {
        stream.bytes += length;
      });
      response.on("error", () => undefined);
      response.on("close", () => {
        stream.isOver = true;
      });
      if (response.statusCode === 200) resolve(stream);
      else reject(new Error(`status ${response.statusCode}`));
    });
  });
}

test("of 1,000 streams of 100 people over two workers, those of one end with the session, and the others go on", async (context) => {
  const workers = await startWorkers(context, { limits: { origin_connections: 4096 } });
  const { operator, upstream, lines } = workers;
  const parts = await besideIt(context, workers);
  const origins = new Set<(text: string) => void>();
  upstream.answerWith((request, response) => {
    if (request.url !== "/stream") {
      response.end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\n\n");
    const send = (text: string) => void response.write(text);
    origins.add(send);
    response.on("close", () => origins.delete(send));
  });
  const application = parts.catalogs.current().applications.find(({ name }) => name === "App");
  assert.ok(application !== undefined);
  const sessions: StoredSession[] = [];
  const streams: Stream[] = [];
  for (let person = 0; person < people; person++) {
    const session = await sessionFor(parts, person);
    sessions.push(session);
    const token = await parts.tokens.issueApp(session, application, 60 * 60_000);
    const opened = Array.from({ length: streamsEach }, () =>
      openStream(operator.port, { person, token }),
    );
    streams.push(...(await Promise.all(opened)));
    // Each worker has one of the person whose session ends, and of the next one.
    if (person !== 1 && person !== 2) continue;
    for (const { agent } of [await workers.laneTo(1), await workers.laneTo(2)])
      streams.push(await openStream(operator.port, { person, token, agent }));
  }
  assert.equal(origins.size, streams.length);

  const [, ended] = sessions;
  assert.ok(ended !== undefined);
  const ofEnded = streams.filter(({ person }) => person === 1);
  const others = streams.filter(({ person }) => person !== 1);
  const endedAt = performance.now();
  await parts.sessions.end(ended.id);
  await until(() => ofEnded.every(({ isOver }) => isOver));
  context.diagnostic(`after ${Math.round(performance.now() - endedAt)} ms`);
  await until(() => origins.size === others.length);

  const before = new Map(others.map((stream) => [stream, stream.bytes]));
  for (const send of origins) send("data: second\n\n");
  await until(() => others.every((stream) => stream.bytes > (before.get(stream) ?? 0)));
  assert.ok(others.every(({ isOver }) => !isOver));
  const carriers = lines().filter(({ event }) => event === "stream_ended");
  assert.deepEqual([...new Set(carriers.map(({ worker }) => worker))].sort(), [1, 2]);
});
