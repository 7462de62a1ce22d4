// The serving thread's side of load-config-worker.ts: a changed file is read, parsed and checked in
// a thread that lives for that alone. A large file takes a second, in which requests are answered.
import { Worker } from "node:worker_threads";
import { ConfigError } from "./config-error.ts";
import type { ConfigFile, FileUpdate } from "./config-file.ts";
import type { KnownConfig } from "./config-update.ts";

/** What the thread is started with. */
export interface ThreadInput {
  source: ConfigFile;
  knownConfig: KnownConfig;
}

/**
 * What is young is collected early: the process keeps what its threads once had, and a large file
 * is read in as much time with a quarter less.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

/** The one message that it sends. */
export type FromThread = { ok: true; update: FileUpdate } | { ok: false; problems: string };

/**
 * As `readFileUpdate`, without holding up this thread.
 * @throws {ConfigError} when the file cannot be read, or is wrong
 * @throws {Error} when the thread ends without an answer
 */
export async function readFileUpdateInThread(
  source: ConfigFile,
  knownConfig: KnownConfig,
): Promise<FileUpdate> {
  const answer = await answerOfThread({ source, knownConfig });
  if (!answer.ok) throw new ConfigError(answer.problems);
  return answer.update;
}

function answerOfThread(workerData: ThreadInput): Promise<FromThread> {
  const { promise, resolve, reject } = Promise.withResolvers<FromThread>();
  // Without the flags of this process: `--input-type`, for one, is refused in threads.
  const options = { name: "configuration", workerData, execArgv: [], resourceLimits };
  const worker = new Worker(new URL("./load-config-worker.ts", import.meta.url), options);
  worker.once("message", resolve);
  worker.once("messageerror", reject);
  worker.once("error", reject);
  worker.once("exit", () => reject(new Error("the thread that reads the configuration ended")));
  return promise;
}
