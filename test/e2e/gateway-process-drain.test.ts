// The end of a gateway, as its clients see it: whoever is being served is served to the end,
// whoever keeps a connection is told before it is closed, and whoever comes meanwhile is served as
// well.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { Agent as TlsAgent, get as tlsGet } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { held, startUpstream, type Upstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  certificate,
  host,
  type Operator,
  open,
  openTo,
  type Sections,
  said,
  teamHost,
} from "./gateway-process-fixture.ts";

const appHost = "app.localhost";
const loginHost = "login.localhost";

async function operatorOf(
  context: TestContext,
  sections: Sections = {},
): Promise<{ operator: Operator; upstream: Upstream }> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, openTo(upstream.origin, appHost));
  const auth_domain = `${loginHost}:${operator.port}`;
  operator.write({ auth_domain, relay_hosts: ["relay.localhost"], ...sections });
  return { operator, upstream };
}

test(
  "a gateway that is told to end finishes the answer that it owes, and serves who comes meanwhile",
  needs("openssl"),
  async (context) => {
    const upstream = await startUpstream();
    context.after(() => upstream.close());
    const { answer, release } = held();
    upstream.answerWith(answer);
    const tls = certificate(context);
    const operator = await anOperator(context, {
      ...openTo(upstream.origin),
      tls: { certificates: [tls] },
    });
    operator.write({ limits: { idle_timeout: "1h" } });
    const running = await operator.start();
    const { port } = operator;
    // A connection that its client would keep.
    const agent = new TlsAgent({ keepAlive: true });
    context.after(() => agent.destroy());
    const headers = { Host: `${host}:${port}` };
    const owed = ask({ port, ca: tls.ca, agent, servername: host, headers });
    await upstream.seen(1);

    running.child.kill("SIGTERM");
    await said(running, "the gateway is shutting down: it waits for requests in progress");
    upstream.answerWith((_request, response) => response.end("meanwhile"));
    for (let count = 0; count < 3; count++) {
      const meanwhile = await ask({ port, ca: tls.ca, servername: host, headers });
      assert.deepEqual([meanwhile.status, meanwhile.text], [200, "meanwhile"]);
      assert.equal(meanwhile.headers.connection, "close");
    }
    release();
    const { status, text, headers: owedHeaders } = await owed;
    assert.deepEqual([status, owedHeaders.connection], [200, "close"]);
    assert.match(text, /"url":"\/"/);
    assert.equal(await running.ended, 0);
    assert.equal(upstream.requests.length, 4);
  },
);

for (const [kind, workers] of [
  ["plain", 1],
  ["TLS", 1],
  ["plain", 2],
  ["TLS", 2],
] as const)
  test(
    `32 ${kind} clients that keep their connections lose no request when a gateway of ${workers} ${workers === 1 ? "process" : "workers"} ends`,
    needs("openssl"),
    async (context) => {
      const tls = kind === "TLS" ? certificate(context) : undefined;
      const { operator } = await operatorOf(
        context,
        tls === undefined
          ? { workers }
          : {
              workers,
              auth_domain: teamHost,
              public_ports: [443],
              tls: { certificates: [tls] },
              ...openTo("http_status:204"),
            },
      );
      const running = await operator.start();
      const everybody = Promise.withResolvers<void>();
      let answered = 0;
      const onFirstAnswer = () => {
        answered += 1;
        if (answered === 32) everybody.resolve();
      };
      const clients = Array.from({ length: 32 }, (_, index) => {
        const pauseMs = index % 4 === 0 ? 40 : 0;
        return keepAsking(operator.port, { tls: tls?.ca, pauseMs, onFirstAnswer });
      });
      await everybody.promise;
      running.child.kill("SIGTERM");
      const outcomes = await Promise.all(clients);
      assert.equal(await running.ended, 0);
      assert.deepEqual(
        outcomes.flatMap(({ lost }) => lost),
        [],
      );
      // One that was silent for a while, as load may make it, is closed without a word.
      assert.ok(
        outcomes.some(({ told }) => told >= 1),
        "nobody was told",
      );
    },
  );

interface Outcome {
  /** errors on connections that the gateway had accepted */
  lost: string[];
  /** answers that said that they end their connection */
  told: number;
}

interface AskingOptions {
  /** the authority to believe; none: over plain HTTP */
  tls: string | undefined;
  pauseMs: number;
  onFirstAnswer: () => void;
}

/** Asks again and again over a connection that it keeps, until nobody listens any more. */
async function keepAsking(
  port: number,
  { tls, pauseMs, onFirstAnswer }: AskingOptions,
): Promise<Outcome> {
  const outcome: Outcome = { lost: [], told: 0 };
  const plainAgent = new Agent({ keepAlive: true, maxSockets: 1 });
  const tlsAgent = new TlsAgent({ keepAlive: true, maxSockets: 1, ca: tls, servername: host });
  let answeredAt = performance.now();
  for (let count = 0; ; count++) {
    // One that was held up for as long as the gateway waits is silent, and may be closed.
    const isPrompt = performance.now() - answeredAt < 1_000;
    const options = { host: "127.0.0.1", port, headers: { Host: tls ? host : appHost } };
    const asked =
      tls === undefined
        ? get({ ...options, agent: plainAgent })
        : tlsGet({ ...options, agent: tlsAgent });
    try {
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      response.resume();
      await once(response, "end");
      answeredAt = performance.now();
      if (response.headers.connection === "close") outcome.told += 1;
      if (count === 0) onFirstAnswer();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Who was never accepted has lost nothing: another process would have taken it.
      if (asked.reusedSocket && isPrompt) outcome.lost.push(String(code));
      plainAgent.destroy();
      tlsAgent.destroy();
      return outcome;
    }
    if (pauseMs > 0) await wait(pauseMs);
  }
}

test("a long answer has as long as limits.drain_timeout says, and is visibly cut after that", async (context) => {
  for (const [drain_timeout, isWhole] of [
    ["20s", true],
    ["100ms", false],
  ] as const) {
    const { operator, upstream } = await operatorOf(context, { limits: { drain_timeout } });
    const rest = Promise.withResolvers<void>();
    upstream.answerWith((_request, response) => {
      response.write("first ");
      void rest.promise.then(() => response.end("last"));
    });
    const running = await operator.start();
    const response = await open({ port: operator.port, headers: { Host: appHost } });
    running.child.kill("SIGTERM");
    await said(running, "the gateway is shutting down: it waits for requests in progress");
    if (!isWhole) await running.ended;
    rest.resolve();
    let text = "";
    const reading = (async () => {
      for await (const chunk of response) text += String(chunk);
    })();
    if (isWhole) await reading;
    else await assert.rejects(reading);
    if (isWhole) assert.equal(text, "first last");
    assert.equal(await running.ended, 0);
  }
});

test("a terminal that waits is answered so that it polls again, and does not hold up the end", async (context) => {
  const { operator } = await operatorOf(context);
  const running = await operator.start();
  const poll = (hostname: string) => {
    const key = randomBytes(32).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    return ask({
      port: operator.port,
      path: `/transfer/${key}`,
      headers: { Host: `${hostname}:${operator.port}` },
    });
  };
  const polls = [poll(loginHost), poll("relay.localhost"), poll(loginHost)];
  const store = new DatabaseSync(join(operator.folder, "data/postern.db"), { readOnly: true });
  context.after(() => store.close());
  const waiting = store.prepare("select count(*) as polls from transfers where held_until > 0");
  await until(() => waiting.get()?.["polls"] === polls.length);
  running.child.kill("SIGTERM");
  for (const { status, headers } of await Promise.all(polls))
    assert.deepEqual([status, headers.connection], [204, "close"]);
  assert.equal(await running.ended, 0);
});

test("connections that say nothing do not hold up the end: silent, kept, or in the middle of a head", async (context) => {
  const { operator } = await operatorOf(context, { limits: { header_timeout: "10m" } });
  const running = await operator.start();
  const request = `GET / HTTP/1.1\r\nHost: ${appHost}\r\n\r\n`;
  const sockets = ["", request, "GET / HTTP/1.1\r\nHost:"].map((text) => {
    const socket = connect(operator.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(text);
    return socket;
  });
  await once(sockets[1] ?? assert.fail(), "data");
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 0);
});

const others: Record<string, readonly NodeJS.Signals[]> = {
  "SIGTERM again": ["SIGTERM", "SIGTERM"],
  "SIGINT with it, as a group gets it": ["SIGINT", "SIGINT"],
  "SIGHUP, twice": ["SIGHUP", "SIGHUP"],
};

for (const [name, signals] of Object.entries(others))
  test(`while a gateway ends, ${name} cuts nobody's answer`, async (context) => {
    const { operator, upstream } = await operatorOf(context);
    const { answer, release } = held();
    upstream.answerWith(answer);
    const running = await operator.start();
    const owed = ask({ port: operator.port, headers: { Host: appHost } });
    await upstream.seen(1);
    for (const signal of ["SIGTERM", ...signals] as const) running.child.kill(signal);
    await said(running, "the gateway is shutting down: it waits for requests in progress");
    release();
    assert.equal((await owed).status, 200);
    assert.equal(await running.ended, 0);
  });

test("Ctrl-C some time after the first signal ends a gateway at once, and the log says so", async (context) => {
  const { operator, upstream } = await operatorOf(context);
  upstream.answerWith(held().answer);
  const running = await operator.start();
  const owed = ask({ port: operator.port, headers: { Host: appHost } });
  const cut = assert.rejects(owed);
  await upstream.seen(1);
  running.child.kill("SIGTERM");
  await said(running, "the gateway is shutting down: it waits for requests in progress");
  // Those of the first two seconds are the first signal, as the gateway counts them.
  const again = setInterval(() => running.child.kill("SIGINT"), 500);
  context.after(() => clearInterval(again));
  assert.equal(await running.ended, 130);
  assert.match(running.stderr(), /interrupted again: the gateway stops now/);
  await cut;
});
