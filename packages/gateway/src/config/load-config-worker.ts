// The thread in which a changed file is read (load-config-thread.ts). It answers once and ends.
import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { ConfigError } from "./config-error.ts";
import { readFileUpdate } from "./config-file.ts";
import type { FromThread, ThreadInput } from "./load-config-thread.ts";

if (parentPort === null)
  throw new Error("load-config-worker.ts is started by load-config-thread.ts alone");
giveWay();
parentPort.postMessage(await answerTo(workerData));

/** Lets the serving thread run first where both want a processor. */
function giveWay(): void {
  // Elsewhere than on Linux a priority is the whole process's.
  if (process.platform !== "linux") return;
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it: then the file is read all the same.
  }
}

async function answerTo({ source, knownConfig }: ThreadInput): Promise<FromThread> {
  try {
    return { ok: true, update: await readFileUpdate(source, knownConfig) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problems: error.message };
  }
}
