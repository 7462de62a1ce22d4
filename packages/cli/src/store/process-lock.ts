// One process at a time does something that takes a while, and the others wait for it: what it
// leaves behind serves them as well.
import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { stillLocked, tryLock } from "./file-lock.ts";
import { removeFile } from "./private-files.ts";

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
  for (let owner = tryLock(context, path); owner !== undefined; owner = tryLock(context, path)) {
    if (performance.now() >= deadline) throw stillLocked(path, owner);
    await pause(interval);
  }
  try {
    return await work();
  } finally {
    removeFile(path);
  }
}
