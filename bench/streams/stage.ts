// What one scenario starts, so that all of it ends with the scenario, whatever happens in it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "../process.ts";

export class Stage {
  /** of this scenario alone; goes with it */
  readonly folder = mkdtempSync(join(tmpdir(), "postern-streams-"));
  readonly #endings: (() => unknown)[] = [];

  /** Ends `server` with the scenario. */
  async keep(starting: Promise<Server>): Promise<Server> {
    const server = await starting;
    this.onEnd(() => server.stop());
    return server;
  }

  /** What is done last is undone first. */
  onEnd(ending: () => unknown): void {
    this.#endings.push(ending);
  }

  async clear(): Promise<void> {
    for (let ending = this.#endings.pop(); ending !== undefined; ending = this.#endings.pop()) {
      await ending();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
