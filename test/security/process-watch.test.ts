// The watch over the processes of a test run (case C9): what it finds, and what it lets be.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { exposuresOf, type ShownProcess } from "../support/exposed-secrets.ts";
import { ProcessWatch } from "../support/process-watch.ts";
import { until } from "../support/until.ts";

// Drawn anew, so that the watch over the whole run cannot take it for a secret of another test.
const secret = randomUUID();

function token(type?: string): string {
  const parts = [{ alg: "RS256" }, { type, sub: "x" }];
  const texts = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return `${texts.join(".")}.c2lnbmVk`;
}

const ours = (args: string[], environment: string[] = []): ShownProcess => ({
  pid: 1,
  command: ["node", "/x/bin/postern.cjs", ...args],
  environment,
});
const tool = (command: string[], environment: string[] = []): ShownProcess => ({
  pid: 2,
  command,
  environment,
});
const places = (shown: ShownProcess, own: ShownProcess) =>
  exposuresOf(shown, own, [secret]).map(({ where }) => where);

test("a tool that shows a token, a service secret or a private key is found, and what it shows is not repeated (C9)", () => {
  const own = ours(
    ["access", "curl", "https://a.example/"],
    [`POSTERN_SERVICE_TOKEN_SECRET=${secret}`],
  );
  for (const shown of [secret, token("app"), token("org"), token("grant"), token()]) {
    assert.deepEqual(places(tool(["curl", "-H", `x: ${shown}`]), own), ["argument 2"]);
    assert.deepEqual(places(tool(["curl"], [`ANY=${shown}`]), own), ["ANY"]);
  }
  const inherited = tool(["curl"], own.environment as string[]);
  assert.deepEqual(places(inherited, own), ["POSTERN_SERVICE_TOKEN_SECRET"]);
  assert.deepEqual(places(tool(["x"], ["K=-----BEGIN PRIVATE KEY-----"]), own), ["K"]);
  const [exposure] = exposuresOf(tool(["curl", secret]), own, [secret]);
  assert.deepEqual(exposure, { program: "curl", where: "argument 1", of: "node … access curl …" });
});

test("what somebody asked for, or gave in the environment, is no finding; nor is a pass (C9)", () => {
  const put = ours(["access", "put", "--via", "env", "tool"]);
  const variables = [`ACCESS_TOKEN=${token("app")}`, `ACCESS_HEADER=x: ${token("app")}`];
  assert.deepEqual(places(tool(["tool"], variables), put), []);
  assert.deepEqual(places(tool(["tool"], variables), ours(["access", "put", "tool"])), [
    "ACCESS_TOKEN",
    "ACCESS_HEADER",
  ]);
  const url = (of: string) => `https://a.example/?token=${of}`;
  assert.deepEqual(places(tool(["wget", url(token("pass"))]), put), []);
  assert.deepEqual(places(tool(["wget", url(token("app"))]), put), ["argument 1"]);
  const full = ours(["access", "put", "--full-token", "wget"]);
  assert.deepEqual(places(tool(["wget", url(token("app"))]), full), []);
  const person = [`MY_TOKEN=${token("app")}`];
  assert.deepEqual(places(tool(["curl"], person), ours(["access", "curl"], person)), []);
  const given = ours(["access", "whoami"], [`TUNNEL_SERVICE_TOKEN_SECRET=${secret}`]);
  assert.deepEqual(places(given, given), []);
});

/** A command line of ours, as far as its name goes, that runs one tool with these arguments. */
function startTool(context: TestContext, args: string[]): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), "postern-watch-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, "postern.cjs");
  const run = `require("node:child_process").spawn(process.execPath, ${JSON.stringify([
    "-e",
    "setInterval(() => {}, 1000)",
    "--",
    ...args,
  ])}, { stdio: "ignore" }); setInterval(() => {}, 1000);`;
  writeFileSync(script, run);
  const child = spawn(process.execPath, [script], { stdio: "ignore", detached: true });
  context.after(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  return child;
}

test("a running tool of ours with a secret in its arguments is found, and one without is not (C9)", {
  skip: process.platform !== "linux" && "only Linux has /proc",
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-watch-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "secrets");
  writeFileSync(file, `${JSON.stringify(secret)}\n`);
  const watch = new ProcessWatch(file);
  startTool(context, [randomUUID()]);
  startTool(context, [secret]);
  await until(() => {
    watch.look();
    return watch.stop().length > 0;
  });
  const mine = watch.stop().filter(({ where }) => where === "argument 4");
  assert.equal(mine.length, 1);
  assert.ok(!JSON.stringify(mine).includes(secret));
});
