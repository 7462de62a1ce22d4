// What one scenario starts, so that all of it ends with the scenario, whatever happens in it, and
// the time that it has.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "./process.ts";

export class Stage {
  /** of this scenario alone; goes with it */
  readonly folder = mkdtempSync(join(tmpdir(), "postern-bench-"));
  readonly #endings: (() => unknown)[] = [];
  readonly #deadline: number;
  #isCleared = false;

  /** @param limitMs how long it may measure */
  constructor(limitMs = Number.POSITIVE_INFINITY) {
    this.#deadline = performance.now() + limitMs;
  }

  /** Ends `server` with the scenario. */
  async keep(starting: Promise<Server>): Promise<Server> {
    const server = await starting;
    this.onEnd(() => server.stop());
    return server;
  }

  /** What is done last is undone first. */
  onEnd(ending: () => unknown): void {
    this.#endings.push(ending);
    // Started while the scenario was being ended, because it took too long.
    if (this.#isCleared) void this.clear();
  }

  /** Whether something that takes so many milliseconds ends in time. */
  hasTimeFor(duration: number): boolean {
    return performance.now() + duration < this.#deadline;
  }

  /** @throws {Error} when the scenario has ended: nothing more is to be started in its name */
  checkOpen(): void {
    if (this.#isCleared) throw new Error("the scenario has ended");
  }

  async clear(): Promise<void> {
    this.#isCleared = true;
    for (let ending = this.#endings.pop(); ending !== undefined; ending = this.#endings.pop()) {
      await settle(ending);
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** An ending that fails keeps none of the others from being done. */
async function settle(ending: () => unknown): Promise<void> {
  try {
    await ending();
  } catch (error) {
    console.error(error);
  }
}
