// How often codes may be requested and tried: what one person needs on a bad day, and far below
// what guessing six digits needs. Counting is per network and per canonical address, so that
// neither haste nor another spelling gains tries (case L12).
import { BoundedCache } from "../../bounded-cache.ts";
import type { Clock } from "../../clock.ts";
import type { CounterStore } from "../../storage/store.ts";

interface Limit {
  most: number;
  windowMs: number;
}

const minute = 60_000;
const limits = {
  requestsPerNetwork: { most: 20, windowMs: 60 * minute },
  requestsPerEmail: { most: 5, windowMs: 10 * minute },
  triesPerNetwork: { most: 60, windowMs: 60 * minute },
  triesPerEmail: { most: 10, windowMs: 60 * minute },
};
/** For how long somebody has to wait who requested or tried too many codes, milliseconds. */
export const pinWindows = {
  requestsMs: limits.requestsPerEmail.windowMs,
  triesMs: limits.triesPerEmail.windowMs,
};
const rejectionMs = minute;
const rejectionCapacity = 10_000;

/** Counts requests and tries in the store, for every process that uses it. */
export class PinLimits {
  readonly #counters: CounterStore;
  readonly #now: Clock;
  /**
   * Key → until when it is rejected without counting, milliseconds. Each count is a write that
   * reaches the disk, and a flood of them would hold up everybody (case O5).
   */
  readonly #rejections = new BoundedCache<string, number>(rejectionCapacity);

  constructor({ counters, now }: { counters: CounterStore; now: Clock }) {
    this.#counters = counters;
    this.#now = now;
  }

  /** Counts a request for a code. @returns whether it may be answered */
  async countRequest(network: string, email: string): Promise<boolean> {
    return (
      (await this.#count(`pin-asks ${network}`, limits.requestsPerNetwork)) &&
      (await this.#count(`pin-asks ${email}`, limits.requestsPerEmail))
    );
  }

  /** Counts a code that was typed. @returns whether it may be compared */
  async countTry(network: string, email: string): Promise<boolean> {
    return (
      (await this.#count(`pin-tries ${network}`, limits.triesPerNetwork)) &&
      (await this.#count(`pin-tries ${email}`, limits.triesPerEmail))
    );
  }

  /** Forgets the tries at an address: a right code was typed. */
  async clearTries(email: string): Promise<void> {
    await this.#counters.clear(`pin-tries ${email}`);
  }

  async #count(key: string, { most, windowMs }: Limit): Promise<boolean> {
    const now = this.#now();
    if ((this.#rejections.get(key) ?? 0) > now) return false;
    if ((await this.#counters.count(key, windowMs, now)) <= most) return true;
    this.#rejections.set(key, now + rejectionMs);
    return false;
  }
}
