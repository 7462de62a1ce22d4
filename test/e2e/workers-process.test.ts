// The processes of a gateway with two workers: how they begin, how each may end, and what those
// who are connected notice of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Running, watchProcess } from "../support/cli.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { held, startUpstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  certificate,
  host,
  open,
  openTo,
  said,
  startGateway,
} from "./gateway-process-fixture.ts";
import {
  appHost,
  childrenOf,
  isRunning,
  type Lane,
  linesOf,
  loginHost,
  openHost,
  startWorkers,
} from "./workers-fixture.ts";

/** The process of a worker, as the log names it when it has ended; before, by what is left. */
async function killWorker(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(() => !isRunning(pid));
}

test("a worker that is killed loses its own connections alone, is replaced, and the next serves", async (context) => {
  const { running, operator, upstream, laneTo, lanes } = await startWorkers(context);
  const { port } = operator;
  const one = pidOf(running, 1);
  const { answer, release } = held();
  upstream.answerWith(answer);
  upstream.requests.length = 0;
  const owed = lanes.map((lane) =>
    lane.ask("/owed", openHost).then(({ status }) => status, String),
  );
  await upstream.seen(2);
  await killWorker(one);
  release();
  const outcomes = await Promise.all(owed);
  assert.equal(outcomes.filter((each) => each === 200).length, 1, String(outcomes));

  const { pid, how, worker } = await said(
    running,
    "a worker process ended; another takes its place",
  );
  assert.deepEqual([pid, how], [one, "SIGKILL"]);
  upstream.reset();
  const next = await laneTo(Number(worker));
  const survivor = lanes.find((lane) => lane.worker !== worker);
  for (const lane of [next, survivor as Lane])
    assert.equal((await lane.ask("/", openHost)).status, 200);
  assert.equal(childrenOf(running.child.pid).length, 2);
  assert.equal((await ask({ port, headers: { Host: `${openHost}:${port}` } })).status, 200);
});

test("while workers are killed one after the other, no request on a connection of another is lost", async (context) => {
  const { running, lanes, laneTo, signIn, upstream } = await startWorkers(context);
  const person = await signIn();
  const token = person.cookiesOf(appHost).get("CF_Authorization") ?? "";
  const headers = { "cf-access-token": token };
  let kept = lanes[1];
  let left = lanes[0].worker;
  for (let round = 1; round <= 2; round++) {
    let isOver = false;
    const asking = (async () => {
      for (let count = 0; !isOver; count++) {
        const { status } = await kept.ask(`/${count}`, appHost, headers);
        assert.equal(status, 200);
      }
    })();
    await killWorker(pidOf(running, left));
    await said(running, "a worker process ended; another takes its place", round);
    const next = await laneTo(left);
    isOver = true;
    await asking;
    [kept, left] = [next, kept.worker];
  }
  assert.ok(upstream.requests.length > 0);
  // Who was in goes on, and who is not can sign in.
  assert.equal((await kept.ask("/", appHost, headers)).status, 200);
});

/** The process that has this number now. */
function pidOf(running: Running, worker: number): number {
  const lines = linesOf(running).filter(({ event }) => event === "worker_ready");
  return Number(lines.findLast((line) => line.worker === worker)?.["pid"]);
}

test("a sign-in whose worker is killed between any two of its steps ends well at the other", async (context) => {
  const { running, lanes, laneTo, personAt, url, mail } = await startWorkers(context);
  const email = "ada@example.com";
  const [first, second] = lanes;
  const begun = personAt(first);
  await begun.open(`${url(appHost)}/deep?link=1`);
  await killWorker(pidOf(running, 1));
  const asked = personAt(second, begun);
  asked.page = begun.page;
  await asked.press("Send me a code", { email });
  const code = /\d{6}/.exec((await mail.next(email)).text)?.[0] ?? "";
  const next = await laneTo(1);
  await killWorker(pidOf(running, 2));
  const typed = personAt(next, asked);
  typed.page = asked.page;
  await typed.press("Sign in", { code });
  assert.equal(typed.page.status, 200, typed.page.text);
  assert.equal(new URL(typed.page.url).search, "?link=1");
});

test("a worker that dies again and again is replaced after pauses that grow, and the other serves on", async (context) => {
  const { running, laneTo } = await startWorkers(context);
  const survivor = await laneTo(2);
  const steady = pidOf(running, 2);
  for (let death = 1; death <= 4; death++) {
    await until(() => childrenOf(running.child.pid).some((pid) => pid !== steady));
    for (const pid of childrenOf(running.child.pid)) if (pid !== steady) await killWorker(pid);
    await said(running, "a worker process ended; another takes its place", death);
    assert.equal((await survivor.ask("/", openHost)).status, 200);
  }
  const pauses = linesOf(running)
    .filter(({ event }) => event === "worker_ended")
    .map((line) => Number(line["restart_in_ms"]));
  // The first one may have lived for as long as counts as steady, on a slow machine.
  assert.deepEqual(
    pauses.slice(-3),
    pauses.slice(-3).toSorted((a, b) => a - b),
  );
  assert.ok((pauses.at(-1) ?? 0) >= 200, String(pauses));
  await laneTo(1);
});

test("when the keeper is killed, its workers serve who is connected, let nobody in and end", async (context) => {
  const { running, operator, upstream, lanes } = await startWorkers(context);
  const workers = childrenOf(running.child.pid);
  const { answer, release } = held();
  upstream.requests.length = 0;
  upstream.answerWith(answer);
  const owed = lanes.map((lane) => lane.ask("/", openHost));
  await upstream.seen(2);
  running.child.kill("SIGKILL");
  // A supervisor starts another at once: the address is free.
  await until(() => isRefused(operator.port));
  const next = startGateway(context, operator.file);
  await next.until(/the gateway is up/);
  release();
  for (const { status, headers } of await Promise.all(owed))
    assert.deepEqual([status, headers.connection], [200, "close"]);
  await until(() => workers.every((pid) => !isRunning(pid)));
  for (const pid of childrenOf(next.child.pid)) context.after(() => kill(pid));
});

function kill(pid: number): void {
  if (isRunning(pid)) process.kill(pid, "SIGKILL");
}

/** Whether nobody listens there. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1");
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
}

test("a gateway whose address is taken says so once, ends with a status and leaves no process", async (context) => {
  const { running, operator } = await startWorkers(context);
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 0);
  const other = createServer().listen(operator.port, "127.0.0.1");
  context.after(() => void other.close());
  await once(other, "listening");
  const next = startGateway(context, operator.file);
  assert.equal(await next.ended, 1);
  assert.equal(next.stderr().match(/cannot listen on 127\.0\.0\.1/g)?.length, 1, next.stderr());
});

test("a Unix socket is served by both workers, goes with the gateway, and is taken over when it was killed", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, openTo(upstream.origin));
  const socketPath = join(operator.folder, "postern.sock");
  operator.write({
    listen: `unix:${socketPath}`,
    public_ports: [operator.port],
    workers: 2,
    log: { requests: true },
  });
  const visit = () => {
    const forwarded = { "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https" };
    return ask({ socketPath, headers: { Host: `${host}:${operator.port}`, ...forwarded } });
  };
  const workersOf = (running: Running) =>
    new Set(
      linesOf(running).flatMap(({ event, worker }) => (event === "request_passed" ? [worker] : [])),
    );
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const running = await operator.start();
    const workers = childrenOf(running.child.pid);
    await until(async () => {
      assert.equal((await visit()).status, 200);
      return workersOf(running).size === 2;
    });
    running.child.kill(signal);
    await running.ended;
    await until(() => workers.every((pid) => !isRunning(pid)));
    assert.equal(existsSync(socketPath), signal === "SIGKILL");
  }
});

for (const [name, signals] of Object.entries({
  "SIGTERM to the whole group": ["SIGTERM"],
  "SIGINT to the whole group, as a terminal sends it": ["SIGINT"],
  "SIGHUP and SIGTERM to the whole group": ["SIGHUP", "SIGTERM", "SIGHUP"],
} as const))
  test(`${name} ends workers and keeper in order: what is owed is answered`, async (context) => {
    const { running: first, operator, upstream } = await startWorkers(context);
    first.child.kill("SIGTERM");
    await first.ended;
    const bin = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");
    const args = [bin, "gateway", "--config", operator.file];
    const running = watchProcess(spawn(process.execPath, args, { detached: true }));
    const { pid } = running.child;
    assert.ok(pid !== undefined);
    context.after(() => killGroupOf(pid));
    await running.until(/the gateway is up/);
    const workers = childrenOf(pid);
    const { answer, release } = held();
    upstream.requests.length = 0;
    upstream.answerWith(answer);
    const { port } = operator;
    const owed = Array.from({ length: 8 }, () =>
      ask({ port, headers: { Host: `${openHost}:${port}` } }),
    );
    await upstream.seen(8);
    for (const signal of signals) process.kill(-pid, signal);
    await said(running, "the gateway is shutting down: it waits for requests in progress");
    release();
    for (const { status, headers } of await Promise.all(owed))
      assert.deepEqual([status, headers.connection], [200, "close"]);
    assert.equal(await running.ended, 0);
    assert.deepEqual(workers.filter(isRunning), []);
  });

function killGroupOf(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

test("Ctrl-C some time after the first signal ends workers and keeper at once", async (context) => {
  const { running, operator, upstream } = await startWorkers(context);
  const workers = childrenOf(running.child.pid);
  upstream.requests.length = 0;
  upstream.answerWith(held().answer);
  const owed = open({ port: operator.port, headers: { Host: `${openHost}:${operator.port}` } });
  const cut = assert.rejects(owed);
  await upstream.seen(1);
  running.child.kill("SIGTERM");
  await said(running, "the gateway is shutting down: it waits for requests in progress");
  const again = setInterval(() => running.child.kill("SIGINT"), 500);
  context.after(() => clearInterval(again));
  assert.equal(await running.ended, 130);
  await cut;
  await until(() => workers.every((pid) => !isRunning(pid)));
});

test("every line of the log is whole, however many workers write at once, and none is lost", async (context) => {
  const { running, operator } = await startWorkers(context);
  const { port } = operator;
  // Less than the log keeps for a reader that is slow.
  const requests = 160;
  const path = `/${"long/".repeat(700)}`;
  for (let done = 0; done < requests; done += 40)
    await Promise.all(
      Array.from({ length: 40 }, () =>
        ask({ port, path, headers: { Host: `${openHost}:${port}` } }),
      ),
    );
  const lines = () => linesOf(running).filter((line) => line["path"] === path);
  await until(() => lines().length === requests);
  assert.deepEqual([...new Set(lines().map(({ worker }) => worker))].sort(), [1, 2]);
});

test(
  "certificates that are replaced are served by both workers, after SIGHUP as well",
  needs("openssl"),
  async (context) => {
    const { running: first, operator } = await startWorkers(context);
    first.child.kill("SIGTERM");
    await first.ended;
    const tls = certificate(context);
    operator.write({
      auth_domain: `${loginHost}:${operator.port}`,
      tls: { certificates: [tls] },
      ...openTo("http_status:204"),
    });
    const running = await operator.start();
    for (const pid of childrenOf(running.child.pid)) context.after(() => kill(pid));
    running.child.kill("SIGHUP");
    await said(running, "the certificates were reloaded", 2);
    const workers = linesOf(running)
      .filter(({ event }) => event === "certificates_reloaded")
      .map(({ worker }) => worker);
    assert.deepEqual(workers.toSorted(), [1, 2]);
  },
);
