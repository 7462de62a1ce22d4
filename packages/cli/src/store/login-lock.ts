// One login at a time for each team domain and profile: of many processes that need one, the first
// opens the browser and the others wait for it (case C14). The lock is a file made whole in one
// step, so that nobody reads half of one; it names its owner, so that a lock whose owner is dead is
// taken over (case C13).
import { linkSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { CliError, type FailureCode } from "../exit-status.ts";
import type { Application } from "./known-hosts.ts";
import {
  createPrivateFile,
  fileNameOf,
  readPrivateFile,
  readPrivateJson,
  removeFile,
  writePrivateFile,
} from "./private-files.ts";

interface LockRecord {
  pid: number;
  /** when that process started, as the system counts it: a pid alone may be used again */
  started: string;
  machine: string;
  /** milliseconds since the epoch */
  since: number;
  url?: string;
}

interface Outcome {
  /** milliseconds since the epoch */
  at: number;
  /** AUD of the application that was to be signed in to */
  aud: string;
  code: FailureCode;
  message: string;
}

export interface LoginLock {
  /** shows the others where the login is */
  announce(url: string): void;
  /**
   * tells the others why there is no token, so that they do not ask the person again one after
   * another
   */
  failed(code: FailureCode, message: string): void;
  release(): void;
}

// Longer than any login may take: 10 polls of 60 s (wire-protocol 6.6), and some.
const longestLogin = 15 * 60_000;
const interval = 150;

/**
 * Takes the lock; waits while somebody else has it.
 * @param settled asked before every try; true when there is no need for a login any more
 * @param timeout milliseconds to wait for somebody else's login
 * @returns the lock, or undefined when `settled`
 * @throws {CliError} what the login that was waited for failed with; login_timeout
 */
export async function takeLoginLock(
  context: Context,
  { team, aud }: Pick<Application, "team" | "aud">,
  settled: () => boolean,
  timeout: number,
): Promise<LoginLock | undefined> {
  const path = join(
    context.home,
    "locks",
    `${fileNameOf(context.profile)}-${fileNameOf(team)}.lock`,
  );
  const started = context.now();
  let shownUrl: string | undefined;
  let waited = false;
  for (;;) {
    if (settled()) return undefined;
    if (waited) refuseAfter(context, path, aud, started);
    if (takeOnce(context, path)) return ownedLock(context, path, aud);
    const owner = readLock(context, path);
    if (owner === undefined) continue;
    if (isDead(owner, context.now()) && removeDead(context, path, owner)) continue;
    if (!waited)
      context.say(`Another process (${owner.pid}) is signing in at ${team}; waiting for it.`);
    if (owner.url !== undefined && owner.url !== shownUrl)
      context.say(`It can be approved at ${owner.url}`);
    shownUrl = owner.url ?? shownUrl;
    waited = true;
    if (context.now() - started >= timeout) {
      throw new CliError(
        "login_timeout",
        `another process (${owner.pid}) is still signing in at ${team}; try again when it has ended`,
      );
    }
    await pause(interval);
  }
}

/** A person who said no, or is not there, is not asked once more by everybody who waited. */
function refuseAfter(context: Context, path: string, aud: string, started: number): void {
  const outcome = readPrivateJson(context.home, outcomeOf(path)) as Outcome | undefined;
  if (outcome === undefined || !(outcome.at >= started)) return;
  const aboutAll = outcome.code === "login_refused" || outcome.code === "login_timeout";
  if (aboutAll || outcome.aud === aud) throw new CliError(outcome.code, String(outcome.message));
}

function outcomeOf(path: string): string {
  return `${path}.outcome`;
}

function takeOnce(context: Context, path: string): boolean {
  return createPrivateFile(context.home, path, JSON.stringify(ownRecord(context)));
}

function ownRecord(context: Context): LockRecord {
  return {
    pid: process.pid,
    started: startOf(process.pid),
    machine: hostname(),
    since: context.now(),
  };
}

function ownedLock(context: Context, path: string, aud: string): LoginLock {
  const record = ownRecord(context);
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    process.off("exit", release);
    // Only our own: after an overlong login somebody may have taken it over.
    const current = readLock(context, path);
    if (current?.pid === record.pid && current.started === record.started) removeFile(path);
  };
  // Also when the process ends by an uncaught error or an explicit exit.
  process.on("exit", release);
  return {
    announce: (url) =>
      writePrivateFile(context.home, path, JSON.stringify({ ...record, url } satisfies LockRecord)),
    failed: (code, message) => {
      writePrivateFile(
        context.home,
        outcomeOf(path),
        JSON.stringify({ at: context.now(), aud, code, message } satisfies Outcome),
      );
      release();
    },
    release,
  };
}

function readLock(context: Context, path: string): LockRecord | undefined {
  const record = parse(readPrivateOrGone(context, path)) as Partial<LockRecord> | undefined;
  if (record === undefined) return undefined;
  // One that cannot be understood belongs to nobody alive.
  return {
    ...record,
    pid: Number(record.pid),
    started: String(record.started),
    machine: String(record.machine),
    since: Number(record.since),
  };
}

/**
 * A lock is linked to its name from a temporary one: for a moment it has two names, which is no
 * attack here.
 */
function readPrivateOrGone(context: Context, path: string): string | undefined {
  try {
    return readPrivateFile(context.home, path);
  } catch {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      throw new CliError(
        "failure",
        `${path} cannot be read (${code}); it says who is signing in: remove it if nobody is`,
      );
    }
  }
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function isDead(owner: LockRecord, now: number): boolean {
  const age = now - owner.since;
  if (!(age >= -60_000 && age < longestLogin)) return true;
  // A home directory shared between machines or containers: only its age tells.
  if (owner.machine !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EPERM";
  }
  return startOf(owner.pid) !== owner.started;
}

/** Field 22 of /proc/<pid>/stat: start time since boot; empty where the system has no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

// Removing takes microseconds; a claim that is older belongs to somebody who was stopped in the
// middle of it.
const longestRemoval = 10_000;

/**
 * Removes a dead lock, and never a live one that took its place meanwhile. A second name, which
 * only one process can give, makes that one the remover; what it named is looked at before anything
 * is removed.
 * @returns whether it is worth trying again at once
 */
function removeDead(context: Context, path: string, dead: LockRecord): boolean {
  const claim = `${path}.dead`;
  try {
    linkSync(path, claim);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && isOlder(claim, longestRemoval)) removeFile(claim);
    // Gone: somebody else has removed it.
    return code === "ENOENT";
  }
  if (JSON.stringify(readLock(context, claim)) === JSON.stringify(dead)) removeFile(path);
  removeFile(claim);
  return true;
}

function isOlder(path: string, milliseconds: number): boolean {
  try {
    return Date.now() - statSync(path).ctimeMs > milliseconds;
  } catch {
    return false;
  }
}
