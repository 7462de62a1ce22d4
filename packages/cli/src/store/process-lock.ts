// One process at a time does something that takes a while, and the others wait for it: what it
// leaves behind serves them as well. A lock whose owner has died is taken over.
import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { isDead, ownRecord, readLock, removeDead } from "./lock-record.ts";
import { createPrivateFile, removeFile } from "./private-files.ts";

/** Milliseconds. */
const interval = 50;
const longestWait = 60_000;

/**
 * Does the work while no other process does any under this lock.
 * @param path of the lock's file
 * @throws {CliError} failure
 */
export async function withProcessLock<Result>(
  context: Pick<Context, "home" | "now">,
  path: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + longestWait;
  while (!createPrivateFile(context.home, path, JSON.stringify(ownRecord(context)))) {
    const owner = readLock(context, path);
    if (owner === undefined) continue;
    if (isDead(owner, context.now()) && removeDead(context, path, owner)) continue;
    if (performance.now() >= deadline) throw isBusy(path, owner.pid);
    await pause(interval);
  }
  try {
    return await work();
  } finally {
    removeFile(path);
  }
}

function isBusy(path: string, pid: number): CliError {
  return new CliError(
    "failure",
    `another process (${pid}) holds ${path}; try again, or remove it when that process has ended`,
  );
}
