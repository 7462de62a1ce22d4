// Waiting for what comes about by itself: for the condition, and never for a time.
import { setTimeout as pause } from "node:timers/promises";

/** What has not come about by then never will, however busy the machine is. */
const limitMs = 30_000;
const intervalMs = 5;

/**
 * Waits until the condition holds.
 * @throws {Error} when it does not within half a minute
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come about: ${condition}`);
    await pause(intervalMs);
  }
}
