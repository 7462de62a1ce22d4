// A lock that is a file, made whole in one step, and names its owner: one whose owner has died is
// taken over.
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { isDead, type LockRecord, ownRecord, readLock, removeDead } from "./lock-record.ts";
import { createPrivateFile } from "./private-files.ts";

/**
 * Takes the lock where it is free, or has only a dead owner.
 * @returns who has it; undefined once it is this process
 * @throws {CliError} failure
 */
export function tryLock(
  context: Pick<Context, "home" | "now">,
  path: string,
): LockRecord | undefined {
  for (;;) {
    if (createPrivateFile(context.home, path, JSON.stringify(ownRecord(context)))) return undefined;
    const owner = readLock(context, path);
    if (owner === undefined) continue;
    if (!isDead(owner, context.now()) || !removeDead(context, path, owner)) return owner;
  }
}

/** What a command fails with that has waited long enough. */
export function stillLocked(path: string, { pid }: LockRecord): CliError {
  return new CliError(
    "failure",
    `another process (${pid}) holds ${path}; try again, or remove it when that process has ended`,
  );
}
