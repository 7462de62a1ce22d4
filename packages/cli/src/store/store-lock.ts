// One process at a time changes where tokens are kept. It takes milliseconds, so whoever finds
// somebody else at it waits here and now; a lock whose owner has died is taken over.
import { join } from "node:path";
import type { Context } from "../context.ts";
import { stillLocked, tryLock } from "./file-lock.ts";
import { fileNameOf, removeFile } from "./private-files.ts";

/** Milliseconds. */
const interval = 20;
const longestWait = 15_000;

/**
 * Does the work while no other process does any under the lock of this profile.
 * @throws {CliError} failure
 */
export function withStoreLock<Result>(
  context: Pick<Context, "home" | "profile" | "now">,
  work: () => Result,
): Result {
  const { home, profile } = context;
  const path = join(home, "locks", `${fileNameOf(profile)}.store.lock`);
  const deadline = performance.now() + longestWait;
  for (let owner = tryLock(context, path); owner !== undefined; owner = tryLock(context, path)) {
    if (performance.now() >= deadline) throw stillLocked(path, owner);
    pause();
  }
  try {
    return work();
  } finally {
    removeFile(path);
  }
}

/** Stops this thread: the callers are synchronous. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, interval);
}
