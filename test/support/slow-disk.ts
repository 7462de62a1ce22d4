// A disk on which every sync takes longer, is counted, and can be held up: for a process that is
// started with it.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";

const source = join(import.meta.dirname, "slow-disk.c");

export interface SlowDisk {
  /** of a process that has this disk */
  environment: Record<string, string>;
  /** how many syncs have begun */
  syncs(): number;
}

/**
 * Needs a C compiler.
 * @param folder a folder for what is compiled and counted
 * @param delayMs by how much each sync is longer
 */
export function slowDisk(folder: string, delayMs: number): SlowDisk {
  const library = join(folder, "slow-disk.so");
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
  const count = join(folder, "syncs");
  return {
    environment: {
      LD_PRELOAD: library,
      SLOW_DISK_MS: String(delayMs),
      SLOW_DISK_COUNT: count,
      SLOW_DISK_HOLD: join(folder, "hold"),
    },
    syncs: () => statSync(count, { throwIfNoEntry: false })?.size ?? 0,
  };
}
