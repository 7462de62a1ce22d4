// What a gateway does by itself, once for all its processes: it sweeps the store, rotates keys that
// have signed long enough, mends dates of a clock that was ahead, looks after service tokens, and
// compares its file with those of other gateways.
import type { Parts } from "./compose.ts";
import { FutureDates } from "./future-dates.ts";
import type { HousekeepingTask } from "./observe/events.ts";
import { ServiceTokenCare } from "./service-token-care.ts";
import { keyRotationDays } from "./tokens/key-rotation-interval.ts";

const sweepInterval = 5 * 60_000;
const futureDatesInterval = 10 * 60_000;
const keyAgeCheckInterval = 60 * 60_000;
const tokenCareInterval = 60 * 60_000;
/** Gateways whose common file has changed read it within this time, milliseconds. */
const ownFileInterval = 3_000;
const day = 24 * 60 * 60_000;

/** @returns a function that ends it */
export function keepHouse(parts: Parts): () => void {
  const running = new Set<HousekeepingTask>();
  const attempt = async (task: HousekeepingTask, step: () => Promise<void>) => {
    // A million rows take longer to sweep than the time between two sweeps.
    if (running.has(task)) return;
    running.add(task);
    try {
      await step();
      parts.record({ event: "housekeeping_done", task });
    } catch (error) {
      parts.record({ event: "housekeeping_failed", task, error: String(error) });
    } finally {
      running.delete(task);
    }
  };
  const comparison = new FileComparison(parts);
  const futureDates = new FutureDates(parts);
  const tokenCare = new ServiceTokenCare(parts);
  const timers = [
    setInterval(() => comparison.look(), ownFileInterval),
    setInterval(() => void attempt("sweep", () => sweep(parts)), sweepInterval),
    setInterval(() => void attempt("future_dates", () => futureDates.mend()), futureDatesInterval),
    setInterval(() => void attempt("rotate_keys", () => rotateWhenOld(parts)), keyAgeCheckInterval),
    setInterval(() => void attempt("service_tokens", () => tokenCare.look()), tokenCareInterval),
  ];
  for (const timer of timers) timer.unref();
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}

/** Removes what has expired, and rows of the logs that were kept for long enough. */
async function sweep({ store, config, now }: Parts): Promise<void> {
  const { access_log_retention, decisions_retention, audit_retention } = config.log;
  const time = now();
  await store.sweep(time, {
    signInsBefore: time - access_log_retention,
    requestsBefore: time - decisions_retention,
    auditBefore: time - audit_retention,
  });
}

/** Rotates the keys when the one that signs has done so for the configured time. */
export async function rotateWhenOld({ store, tokens, config, now }: Parts): Promise<void> {
  const current = (await store.keys.all()).find((key) => key.state === "current");
  const age = now() - (current?.activated_at ?? now());
  const days = await keyRotationDays(store, config.key_rotation_interval_days);
  if (age >= days * day) await tokens.rotateKeys();
}

/** Says when another gateway of the store has another file: each undoes what the other does. */
class FileComparison {
  readonly #parts: Pick<Parts, "catalogs" | "record">;
  /** the differences of the last look, and those that were told last */
  #before = "";
  #told = "";

  constructor(parts: Pick<Parts, "catalogs" | "record">) {
    this.#parts = parts;
  }

  /** What differs in two looks is not a change that this gateway is about to read itself. */
  look(): void {
    const { catalogs, record } = this.#parts;
    const objects = catalogs.overruled();
    const state = objects.join("\n");
    const isNews = state === this.#before && state !== this.#told;
    this.#before = state;
    if (!isNews) return;
    this.#told = state;
    if (objects.length > 0) record({ event: "file_overruled", objects });
  }
}
