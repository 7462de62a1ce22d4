// The script of examples/administrators-day, as somebody runs it: two gateways, on a file of SQLite
// and on PostgreSQL.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { watchProcess } from "../support/cli.ts";
import { needsPostgresServer, startPostgres } from "../support/postgres.ts";

const script = join(import.meta.dirname, "../../examples/administrators-day/run.mjs");

async function runDay(context: TestContext, ...args: string[]): Promise<string> {
  const running = watchProcess(
    spawn(process.execPath, [script, ...args], { env: { PATH: process.env["PATH"] } }),
  );
  context.after(() => void running.child.kill("SIGTERM"));
  assert.equal(await running.ended, 0, running.stdout() + running.stderr());
  return running.stdout();
}

function checkDay(printed: string): void {
  for (const line of [
    /^Created 7, updated 0, deleted 0, unchanged 0\.$/m,
    /^Nothing to change: 7 objects are as in the file\.$/m,
    /^ada@example\.com at the wiki: 200$/m,
    /^max@contractor\.example at the wiki: 403$/m,
    /^Why: no policy matches: "staff"/m,
    /^More than 400 requests passed over both gateways, 0 failed\.$/m,
    /^ada@example\.com at gateway two, after: 401$/m,
    /^denied {3}login {2}max@contractor\.example {2}wiki\.localhost$/m,
    /^updated {2}service_token {2}deploy {2}\(by day\)$/m,
    /^revoked {2}user {2}ada@example\.com {2}\(by day\)$/m,
  ])
    assert.match(printed, line);
}

test("an administrator's day on a store of SQLite ends as it should", async (context) => {
  checkDay(await runDay(context));
});

test(
  "an administrator's day on PostgreSQL ends as it should",
  needsPostgresServer(),
  async (context) => {
    const postgres = await startPostgres(context);
    checkDay(await runDay(context, "--store", postgres.url()));
  },
);
