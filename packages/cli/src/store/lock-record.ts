// What the file of a lock says, and whether its owner is still alive (cases C13, C14). node:os is
// loaded by the first use: `access token` reads this file and takes no lock (docs/adr/0001).
import { readFileSync, statSync } from "node:fs";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { createPrivateFile, readPrivateFile, removeFile } from "./private-files.ts";

export interface LockRecord {
  pid: number;
  /** when that process started, as the system counts it: a pid alone may be used again */
  started: string;
  machine: string;
  /** milliseconds since the epoch */
  since: number;
  /** the same in seconds since this machine was started, which no step of the clock changes */
  uptime?: number;
  /** where the login can be approved */
  url?: string;
  /** what the approval page must show; the other processes have no other way to know it */
  code?: string;
}

function hostname(): string {
  return process.getBuiltinModule("node:os").hostname();
}

/** Seconds since this machine was started. */
function uptime(): number {
  return process.getBuiltinModule("node:os").uptime();
}

/** The record of a lock that this process takes. */
export function ownRecord(context: Pick<Context, "now">): LockRecord {
  return {
    pid: process.pid,
    started: startOf(process.pid),
    machine: hostname(),
    since: context.now(),
    uptime: uptime(),
  };
}

/** Whether both were made by the same process. */
export function isSameOwner(a: LockRecord | undefined, b: LockRecord): boolean {
  return a?.pid === b.pid && a.started === b.started;
}

/**
 * Reads the lock.
 * @returns undefined when there is none; one that cannot be understood belongs to nobody alive
 * @throws {CliError} failure when it cannot be read
 */
export function readLock(context: Pick<Context, "home">, path: string): LockRecord | undefined {
  const text = readText(context.home, path);
  if (text === undefined) return undefined;
  const record: Partial<LockRecord> | undefined = parseJsonObject(text);
  if (record === undefined && !isOlder(path, longestCreation)) return ownerToCome;
  return fromRecord(record ?? {});
}

// Where there are no hard links a lock is there before its text is (private-files.ts).
/** Milliseconds. */
const longestCreation = 500;

/** Of a lock whose text somebody is writing just now: nobody is known yet, and it is not free. */
export const ownerToCome: Readonly<LockRecord> = {
  pid: 0,
  started: "",
  machine: "",
  since: Number.NaN,
};

function fromRecord(record: Partial<LockRecord>): LockRecord {
  return {
    ...record,
    pid: Number(record.pid),
    started: String(record.started),
    machine: String(record.machine),
    since: Number(record.since),
    ...defined({ uptime: record.uptime === undefined ? undefined : Number(record.uptime) }),
  };
}

function readText(home: string, path: string): string | undefined {
  try {
    return readPrivateFile(home, path);
  } catch {
    // A lock is linked to its name from a temporary one. For a moment it has two names, which is no
    // attack here.
    return readPlainFile(path);
  }
}

function readPlainFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new CliError(
      "failure",
      `${path} cannot be read (${code}); it is the lock of a sign-in: remove it if nobody is signing in`,
    );
  }
}

// Longer than any login may take: 10 polls of 60 s (wire-protocol 6.6), and some.
const longestLogin = 15 * 60_000;
const clockTolerance = 60_000;

/** Whether the owner has ended, or can no longer be signing in. */
export function isDead(owner: LockRecord, now: number): boolean {
  if (owner === ownerToCome) return false;
  const isHere = owner.machine === hostname();
  const age = isHere ? ageHere(owner, now) : now - owner.since;
  const isPlausible = age >= -clockTolerance && age < longestLogin;
  if (!isPlausible) return true;
  // A home directory shared between machines or containers: only its age tells.
  if (!isHere) return false;
  return !isRunning(owner.pid) || startOf(owner.pid) !== owner.started;
}

/** Milliseconds. A record from before the last start of the machine is from the future here. */
function ageHere(owner: LockRecord, now: number): number {
  return owner.uptime === undefined ? now - owner.since : (uptime() - owner.uptime) * 1000;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
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
 * Removes a dead lock, and never a live one that took its place meanwhile. A second file, which
 * only one process can create, makes that one the remover; it looks again at what it removes.
 * @returns whether it is worth trying again at once
 */
export function removeDead(
  context: Pick<Context, "home">,
  path: string,
  dead: LockRecord,
): boolean {
  const claim = `${path}.dead`;
  if (!createPrivateFile(context.home, claim, "")) {
    if (isOlder(claim, longestRemoval)) removeFile(claim);
    return false;
  }
  const current = readLock(context, path);
  if (JSON.stringify(current) === JSON.stringify(dead)) removeFile(path);
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
