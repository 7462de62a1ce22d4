// Limits that are counted in the store, for every process that uses it.
import { BoundedCache } from "../bounded-cache.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import type { CounterStore } from "../storage/store.ts";

/** How much may happen in a window of time, which begins with its first event. */
export interface Limit {
  most: number;
  windowMs: number;
}

const rejectionMs = 60_000;
const rejectionCapacity = 10_000;

interface CountedLimitsParts {
  counters: CounterStore;
  now: Clock;
  elapsed: Stopwatch;
}

export class CountedLimits {
  readonly #counters: CounterStore;
  readonly #now: Clock;
  readonly #elapsed: Stopwatch;
  /**
   * Key → until when it is rejected without counting, by the stopwatch. Each count is a write,
   * and a flood of them would hold up everybody (case O5).
   */
  readonly #rejections = new BoundedCache<string, number>(rejectionCapacity);

  constructor({ counters, now, elapsed }: CountedLimitsParts) {
    this.#counters = counters;
    this.#now = now;
    this.#elapsed = elapsed;
  }

  /** Counts one event. @returns whether the window has room for it */
  async count(key: string, { most, windowMs }: Limit): Promise<boolean> {
    const rejectedUntil = this.#rejections.get(key) ?? Number.NEGATIVE_INFINITY;
    if (this.#elapsed() < rejectedUntil) return false;
    if ((await this.#counters.count(key, windowMs, this.#now())) <= most) return true;
    this.#rejections.set(key, this.#elapsed() + rejectionMs);
    return false;
  }

  /** Forgets what was counted. */
  clear(key: string): Promise<void> {
    return this.#counters.clear(key);
  }
}
