// One login at a time, and no lock that outlives its owner.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, readdirSync } from "node:fs";
import { hostname, uptime } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CliError } from "../../src/exit-status.ts";
import { takeLoginLock } from "../../src/store/login-lock.ts";
import { createPrivateFile, fileNameOf } from "../../src/store/private-files.ts";
import { surroundings, type TestSurroundings } from "../support/context.ts";

const application = { team: "https://login.example.com", aud: "a" };
const never = () => false;
const long = 60_000;

function lockFile(where: TestSurroundings): string {
  return join(where.home, "locks", `default-${fileNameOf(application.team)}.lock`);
}

function plant(where: TestSurroundings, record: unknown): void {
  createPrivateFile(
    where.home,
    lockFile(where),
    typeof record === "string" ? record : JSON.stringify(record),
  );
}

/** The id of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

/** Resolves with what was said as soon as something matches. */
function saying(where: TestSurroundings, pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    where.tell = (line) => {
      where.told.push(line);
      if (pattern.test(line)) resolve(line);
    };
  });
}

test("the second waits for the first, shows its page, and has nothing to do when it is settled meanwhile", async (context) => {
  const where = surroundings(context);
  const first = await takeLoginLock(where, application, never, long);
  let settled = false;
  const waiting = saying(where, /waiting for it/);
  const shown = waiting.then(() => saying(where, /Approve it at https:\/\/page\//));
  const second = takeLoginLock(where, application, () => settled, long);
  assert.match(await waiting, new RegExp(`Another process \\(${process.pid}\\) is signing in`));
  first?.announce("https://page/");
  await shown;
  settled = true;
  first?.release();
  assert.equal(await second, undefined);
  assert.deepEqual(readdirSync(join(where.home, "locks")), []);
});

test("those who wait are told the code of the page as well, once for each page", async (context) => {
  const where = surroundings(context);
  const first = await takeLoginLock(where, application, never, long);
  let settled = false;
  const waiting = saying(where, /waiting for it/);
  const second = takeLoginLock(where, application, () => settled, long);
  await waiting;
  for (const [url, code] of [
    ["https://page/1", "7KQ2-M9TD"],
    ["https://page/2", "0000-ZZZZ"],
  ] as const) {
    const told = saying(where, new RegExp(`this code: ${code}`));
    first?.announce(url, code);
    await told;
    assert.equal(where.told.at(-2), `Approve it at ${url}`);
  }
  // What an older version announces has no code, and none is made up for it.
  const bare = saying(where, /Approve it at https:\/\/page\/3/);
  first?.announce("https://page/3");
  await bare;
  settled = true;
  first?.release();
  assert.equal(await second, undefined);
  assert.equal(where.told.filter((line) => line.includes("this code")).length, 2);
});

test("the second has its turn when the first ended without a token for it", async (context) => {
  const where = surroundings(context);
  const first = await takeLoginLock(where, application, never, long);
  const waiting = saying(where, /waiting for it/);
  const second = takeLoginLock(where, application, never, long);
  await waiting;
  first?.release();
  const lock = await second;
  assert.ok(lock);
  lock.release();
  lock.release();
});

test("whoever waited is told why there is no token; another application only when a person said no", async (context) => {
  for (const [code, aud, told] of [
    ["login_refused", "a", true],
    ["login_refused", "b", true],
    ["login_timeout", "b", true],
    ["refused_by_policy", "a", true],
    ["refused_by_policy", "b", false],
  ] as const) {
    const where = surroundings(context);
    const first = await takeLoginLock(where, application, never, long);
    const waiting = saying(where, /waiting for it/);
    const second = takeLoginLock(where, { ...application, aud }, never, long);
    await waiting;
    first?.failed(code, "for a reason");
    if (told)
      await assert.rejects(
        second,
        (error: unknown) =>
          error instanceof CliError && error.code === code && error.message === "for a reason",
      );
    else (await second)?.release();
  }
});

test("whoever comes later is not told of a failure that is over", async (context) => {
  const where = surroundings(context);
  (await takeLoginLock(where, application, never, long))?.failed("login_refused", "no");
  const lock = await takeLoginLock(where, application, never, long);
  assert.ok(lock);
  lock.release();
});

test("nobody waits for longer than he wants to", async (context) => {
  const where = surroundings(context);
  const first = await takeLoginLock(where, application, never, long);
  const late = (error: unknown) =>
    error instanceof CliError &&
    error.code === "login_timeout" &&
    /still signing in/.test(error.message);
  await assert.rejects(takeLoginLock(where, application, never, 1), late);
  first?.release();
});

test("a lock whose owner is dead is taken over at once", async (context) => {
  const alive = { pid: process.pid, started: "1", machine: hostname(), since: Date.now() };
  const locks: [string, unknown][] = [
    ["the process has ended", { ...alive, pid: deadPid() }],
    ["its number belongs to another process by now", alive],
    [
      "it was taken longer ago than a login can last",
      { ...alive, machine: "elsewhere", since: Date.now() - 20 * 60_000 },
    ],
    ["it is from the future", { ...alive, machine: "elsewhere", since: Date.now() + 20 * 60_000 }],
    ["it says nothing", {}],
    ["it cannot be read", "{"],
    ["it is empty", ""],
    ["its number is none", { ...alive, pid: "1; rm" }],
  ];
  for (const [what, record] of locks) {
    const where = surroundings(context);
    plant(where, record);
    const lock = await takeLoginLock(where, application, never, 1);
    assert.ok(lock, what);
    lock.release();
    assert.deepEqual(where.told, [], what);
    assert.deepEqual(readdirSync(join(where.home, "locks")), [], what);
  }
});

test("a clock that is set while somebody signs in neither frees the lock nor keeps a dead one", async (context) => {
  const minute = 60_000;
  for (const step of [-24 * 60, -16, -2, 2, 16, 24 * 60]) {
    const where = surroundings(context);
    const first = await takeLoginLock(where, application, never, long);
    where.ahead = step * minute;
    const second = takeLoginLock(where, application, never, 1);
    await assert.rejects(second, /is still signing in/, `${step} min`);
    first?.release();
    // Left by a process that has ended, and taken before the step.
    const left = { pid: deadPid(), started: "1", machine: hostname(), since: Date.now() };
    plant(where, { ...left, uptime: uptime() });
    const third = await takeLoginLock(where, application, never, 1);
    assert.ok(third, `${step} min`);
    third.release();
  }
});

test("a lock from before the machine was started anew is nobody's, whatever the clock says", async (context) => {
  const where = surroundings(context);
  const record = { pid: process.pid, started: "1", machine: hostname(), since: Date.now() };
  plant(where, { ...record, uptime: uptime() + 100_000 });
  assert.ok(await takeLoginLock(where, application, never, 1));
});

test("a lock of another machine that shares the home is respected for as long as a login may last", async (context) => {
  const where = surroundings(context);
  plant(where, { pid: 1, started: "1", machine: "elsewhere", since: Date.now() });
  await assert.rejects(takeLoginLock(where, application, never, 1), CliError);
  assert.ok(existsSync(lockFile(where)));
});

test("a take-over that was stopped in the middle does not keep others out", async (context) => {
  const where = surroundings(context);
  plant(where, { pid: deadPid(), started: "1", machine: hostname(), since: Date.now() });
  linkSync(lockFile(where), `${lockFile(where)}.dead`);
  await assert.rejects(
    takeLoginLock(where, application, never, 1),
    CliError,
    "fresh: somebody is at it",
  );
  // The age of a link is that of its inode; so the clock moves instead.
  const now = Date.now();
  context.mock.timers.enable({ apis: ["Date"], now: now + 60_000 });
  const lock = await takeLoginLock(where, application, never, long);
  context.mock.timers.reset();
  assert.ok(lock);
  lock.release();
  assert.deepEqual(readdirSync(join(where.home, "locks")), []);
});

test("each profile and each team domain has a lock of its own", async (context) => {
  const where = surroundings(context);
  const locks = [
    await takeLoginLock(where, application, never, 1),
    await takeLoginLock({ ...where, profile: "work" }, application, never, 1),
    await takeLoginLock(where, { ...application, team: "https://login.example.org" }, never, 1),
  ];
  for (const lock of locks) lock?.release();
  assert.equal(locks.filter((lock) => lock !== undefined).length, 3);
});
