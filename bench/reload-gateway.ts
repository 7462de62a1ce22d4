// The gateway whose reloads bench/reload.ts measures: a process of its own, which says after each
// reload how long its serving thread was blocked at a time.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { readConfigFile } from "../packages/gateway/src/config/config-file.ts";
import { readFileUpdateInThread } from "../packages/gateway/src/config/load-config-thread.ts";
import { startGateway } from "../packages/gateway/src/gateway.ts";

/** `in a thread`: as a running gateway does; `at once`: the same on the serving thread. */
export type Way = "in a thread" | "at once" | "not at all";

/** Milliseconds, all of them. */
export interface Measured {
  /** how long nothing else could run, by the clock: on a busy machine other programs count, too */
  longestBlock: number;
  /** the same in time of the processor that this thread had */
  longestWork: number;
  duration: number;
}

/** The longest turn of the event loop, in time of the processor. */
class WorkMeter {
  #longest = 0;
  #last = process.threadCpuUsage();
  #next = setImmediate(() => this.#look());

  /** @returns milliseconds */
  end(): number {
    clearImmediate(this.#next);
    return this.#longest / 1_000;
  }

  #look(): void {
    const now = process.threadCpuUsage();
    const used = now.user + now.system - this.#last.user - this.#last.system;
    this.#longest = Math.max(this.#longest, used);
    this.#last = now;
    this.#next = setImmediate(() => this.#look());
  }
}

const source = { file: process.argv[2] ?? "", environment: {} };
const { config } = readConfigFile(source);
const gateway = await startGateway({ config, record: () => undefined });
process.on("message", (way: Way) => void measure(way).then(tell));
process.once("disconnect", () => void gateway.close());
tell("ready");

async function measure(way: Way): Promise<Measured> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const work = new WorkMeter();
  // Only what lies between two looks is seen.
  await wait(50);
  const startedAt = performance.now();
  await reload(way);
  const duration = performance.now() - startedAt;
  // What the reload leaves behind, such as the end of its thread, counts as well.
  await wait(200);
  delay.disable();
  return { longestBlock: delay.max / 1e6, longestWork: work.end(), duration };
}

async function reload(way: Way): Promise<void> {
  switch (way) {
    case "in a thread":
      await gateway.reload((known) => readFileUpdateInThread(source, known));
      break;
    case "at once":
      await gateway.apply(readConfigFile(source).config);
      break;
    case "not at all":
      await wait(1_000);
      break;
  }
}

function tell(message: "ready" | Measured): void {
  process.send?.(message);
}
