import { spawnSync } from "node:child_process";
import type { Gateway } from "./gateway.ts";
import { askEach } from "./load/ask-each.ts";
import type { Target } from "./load/probe.ts";
import { cores, pinning } from "./process.ts";

/**
 * Asks a gateway each of the requests once, so that it remembers what belongs to them. What that
 * costs is not measured, so it may have all cores.
 */
export async function fillCache({ pid }: Gateway, targets: readonly Target[]): Promise<void> {
  pinAll(pid, cores.any);
  await askEach(targets);
  pinAll(pid, cores.proxy);
}

function pinAll(pid: number, core: string): void {
  if (pinning) spawnSync("taskset", ["-acp", core, String(pid)]);
}
