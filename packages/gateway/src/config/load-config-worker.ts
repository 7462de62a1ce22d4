// The thread in which a changed file is read (load-config-thread.ts). It answers once and ends.
import { parentPort, workerData } from "node:worker_threads";
import { ConfigError } from "./config-error.ts";
import { readFileUpdate } from "./config-file.ts";
import type { FromThread, ThreadInput } from "./load-config-thread.ts";

if (parentPort === null)
  throw new Error("load-config-worker.ts is started by load-config-thread.ts alone");
parentPort.postMessage(answerTo(workerData));

function answerTo({ source, knownConfig }: ThreadInput): FromThread {
  try {
    return { ok: true, update: readFileUpdate(source, knownConfig) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problems: error.message };
  }
}
