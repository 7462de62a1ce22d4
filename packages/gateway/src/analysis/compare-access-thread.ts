// Compares what is in force with what would be, in a thread that lives for that alone: a large
// configuration takes seconds, in which requests are answered.
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { CatalogContent } from "../catalog/catalog-builder.ts";
import { ConfigError } from "../config/config-error.ts";
import type { KindObject } from "../config/config-objects.ts";

/** What the thread is started with. */
export interface ThreadInput extends Omit<CatalogContent, "objects"> {
  /** milliseconds since the epoch */
  now: number;
}

/** What would become of objects. */
export interface ChangedObjects {
  kind: "change";
  put: readonly KindObject[];
  remove: readonly { kind: string; id: string }[];
}

export type ToThread = { kind: "objects"; objects: readonly KindObject[] } | ChangedObjects;

/** The one message that it sends. */
export type FromThread = { ok: true; data: object } | { ok: false; problem: string };

/** A comparison takes longer than anybody waits. */
export class ComparisonTooLong extends Error {
  override readonly name = "ComparisonTooLong";
}

/** Objects that are handed over in one turn: more would hold up requests. */
const objectsPerTurn = 100;
const longestComparison = 60_000;
/** What it has is gone with it. */
const resourceLimits = { maxOldGenerationSizeMb: 1_024, maxYoungGenerationSizeMb: 32 };

/**
 * Compares.
 * @param content what is in force
 * @returns what comparisonData says of it
 * @throws {ConfigError} when objects contradict each other
 * @throws {ComparisonTooLong}
 */
export async function compareInThread(
  { objects, settings, ingress }: CatalogContent,
  change: Omit<ChangedObjects, "kind">,
  now: number,
): Promise<object> {
  const workerData: ThreadInput = { settings: plainSettings(settings), ingress, now };
  // Without the flags of this process: `--input-type`, for one, is refused in threads.
  const options = { name: "comparison", workerData, execArgv: [], resourceLimits };
  const worker = new Worker(new URL("./compare-access-worker.ts", import.meta.url), options);
  const { promise, resolve, reject } = Promise.withResolvers<FromThread>();
  worker.once("message", resolve);
  worker.once("messageerror", reject);
  worker.once("error", (error) => reject(isOutOfMemory(error) ? new ComparisonTooLong() : error));
  worker.once("exit", () => reject(new Error("the thread that compares ended")));
  const timer = setTimeout(() => reject(new ComparisonTooLong()), longestComparison);
  promise.catch(() => undefined);
  try {
    for (let start = 0; start < objects.length; start += objectsPerTurn) {
      const some = objects.slice(start, start + objectsPerTurn).map(plainObject);
      worker.postMessage({ kind: "objects", objects: some } satisfies ToThread);
      await nextTurn();
    }
    const put = change.put.map(plainObject);
    worker.postMessage({ kind: "change", put, remove: change.remove } satisfies ToThread);
    const answer = await promise;
    if (!answer.ok) throw new ConfigError(answer.problem);
    return answer.data;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY";
}

function plainObject({ kind, object }: KindObject): KindObject {
  return { kind, object };
}

function plainSettings(settings: CatalogContent["settings"]): CatalogContent["settings"] {
  const { issuer, auth_domain, team_host, relay_hosts } = settings;
  return { issuer, auth_domain, team_host, relay_hosts };
}
