// A log that cannot be written: the gateway serves as before, its memory stays bounded, and what
// the log has lost is said there as soon as it can be.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runPostern } from "../support/cli.ts";
import { startUpstream } from "../support/upstream.ts";
import { anOperator, ask, askUntil, host, type Operator } from "./gateway-process-fixture.ts";

const bin = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");
const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];

async function scene(context: TestContext) {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, {
    auth_domain: "login.localhost",
    trusted_proxies: ["127.0.0.1"],
    log: { level: "debug" },
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }],
    applications: [{ name: "App", domain: host, policies: everybody }],
    ingress: [{ service: upstream.origin }],
  });
  operator.write({});
  return { operator, upstream };
}

/** Starts the gateway with a standard error of the test's choice, and waits until it answers. */
async function startWithLog(
  context: TestContext,
  { file, port }: Operator,
  standardError: number | "pipe",
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bin, "gateway", "--config", file], {
    stdio: ["ignore", "ignore", standardError],
  });
  const ended = once(child, "exit");
  context.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await askUntil(
    () => anonymousRequest(port).catch(() => 0),
    (status) => status !== 0,
  );
  return child;
}

/** A stranger's request; each makes a line of the log. */
async function anonymousRequest(port: number, path = "/"): Promise<number> {
  const headers = {
    Host: host,
    Accept: "application/json",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
  };
  return (await ask({ port, path, headers })).status;
}

/** Each of many strangers gets an answer: of more than a pipe or a socket holds lines of. */
async function serves(port: number, requests = 600): Promise<void> {
  for (let count = 0; count < requests; count++)
    assert.equal(await anonymousRequest(port, `/${"x".repeat(500)}${count}`), 401);
}

/** It is alive, and ends as it is told to. */
async function endsWell(child: ChildProcess): Promise<void> {
  assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
  child.kill("SIGTERM");
  const [status] = await once(child, "exit");
  assert.equal(status, 0);
}

function makeFifo(folder: string): string {
  const path = join(folder, "log.fifo");
  execFileSync("mkfifo", [path]);
  return path;
}

test("a gateway whose log is on a full disk serves every stranger, and ends when it is told to", async (context) => {
  const { operator, upstream } = await scene(context);
  const full = openSync("/dev/full", "w");
  context.after(() => closeSync(full));
  const child = await startWithLog(context, operator, full);
  await serves(operator.port, 100);
  assert.equal(upstream.requests.length, 0);
  await endsWell(child);
});

test("a reader of the log that stops reading stops nobody else, whether it is a pipe or a socket", async (context) => {
  const { operator, upstream } = await scene(context);
  const fifo = makeFifo(operator.folder);
  const unreadPipe = openSync(fifo, constants.O_RDWR);
  context.after(() => closeSync(unreadPipe));
  // What `spawn` calls a pipe is a socket.
  for (const standardError of [unreadPipe, "pipe"] as const) {
    const child = await startWithLog(context, operator, standardError);
    child.stderr?.pause();
    await serves(operator.port);
    await endsWell(child);
  }
  assert.equal(upstream.requests.length, 0);
});

test("a reader of the log that is gone ends nothing, whether it is a pipe or a socket", async (context) => {
  const { operator, upstream } = await scene(context);
  const fifo = makeFifo(operator.folder);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, constants.O_WRONLY);
  context.after(() => closeSync(writer));
  const withPipe = await startWithLog(context, operator, writer);
  closeSync(reader);
  await serves(operator.port, 100);
  await endsWell(withPipe);

  const withSocket = await startWithLog(context, operator, "pipe");
  withSocket.stderr?.destroy();
  await serves(operator.port, 100);
  await endsWell(withSocket);
  assert.equal(upstream.requests.length, 0);
});

test("lines that nobody read are bounded in memory, and the log says how many are missing once it can", async (context) => {
  const { operator } = await scene(context);
  const fifo = makeFifo(operator.folder);
  const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  context.after(() => closeSync(reader));
  const child = await startWithLog(context, operator, reader);
  // More than the pipe and the buffer hold.
  const requests = 2_500;
  await serves(operator.port, requests);

  let text = "";
  const chunk = Buffer.alloc(65_536);
  await askUntil(
    async () => {
      try {
        text += chunk.toString("utf8", 0, readSync(reader, chunk));
      } catch {
        // Nothing more at this moment.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return text;
    },
    (found) => /"log_lines_lost"[^\n]*\n/.test(found),
  );
  const lines = text.trimEnd().split("\n");
  const events = lines.map((line) => JSON.parse(line));
  const lost = events.find(({ event }) => event === "log_lines_lost").lines;
  const challenged = events.filter(({ event }) => event === "request_challenged").length;
  assert.ok(lost > 0);
  // Those that waited for the start are among them.
  assert.ok(challenged + lost >= requests, `${challenged} and ${lost} of ${requests}`);
  await endsWell(child);
});

test("a gateway that cannot start says so with a status, on a full disk as well", async (context) => {
  const { operator } = await scene(context);
  operator.write({ surprise: 1 });
  const full = openSync("/dev/full", "w");
  context.after(() => closeSync(full));
  const child = spawn(process.execPath, [bin, "gateway", "--config", operator.file], {
    stdio: ["ignore", "ignore", full],
  });
  assert.deepEqual(await once(child, "exit"), [1, null]);
  assert.equal((await runPostern(["gateway", "--config", operator.file], {})).status, 1);
});
