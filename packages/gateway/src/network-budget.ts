// Budgets for work that strangers can cause before they have proven anything. Each network has a
// rate of its own, all together have another, and a reserve beyond that serves networks that used
// little: a flood from some networks must not shut out the others.
import { BoundedCache } from "./bounded-cache.ts";
import type { Clock } from "./clock.ts";

/** How much may happen: `burst` at once, and `perSecond` in the long run. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/** The rates of one kind of work. */
export interface NetworkRates {
  perNetwork: Rate;
  inAll: Rate;
  /** for networks that have at least half of their own burst left, once `inAll` is used up */
  reserve: Rate;
}

/** Networks that are remembered. The oldest begins anew when one more comes. */
const networkCapacity = 10_000;

/** Counts one kind of work by network (network.ts, `networkOf`). */
export class NetworkBudget {
  readonly #now: Clock;
  readonly #perNetwork: Rate;
  readonly #networks = new BoundedCache<string, TokenBucket>(networkCapacity);
  readonly #inAll: TokenBucket;
  readonly #reserve: TokenBucket;

  constructor(now: Clock, { perNetwork, inAll, reserve }: NetworkRates) {
    this.#now = now;
    this.#perNetwork = perNetwork;
    this.#inAll = new TokenBucket(inAll, now());
    this.#reserve = new TokenBucket(reserve, now());
  }

  /** Counts one piece of work. @returns whether it may be done */
  take(network: string): boolean {
    const now = this.#now();
    const bucket = this.#bucketOf(network, now);
    const usedLittle = bucket.remaining(now) >= this.#perNetwork.burst / 2;
    if (!bucket.take(now)) return false;
    if (this.#inAll.take(now)) return true;
    return usedLittle && this.#reserve.take(now);
  }

  #bucketOf(network: string, now: number): TokenBucket {
    const cachedBucket = this.#networks.get(network);
    if (cachedBucket !== undefined) return cachedBucket;
    const bucket = new TokenBucket(this.#perNetwork, now);
    this.#networks.set(network, bucket);
    return bucket;
  }
}

/**
 * A token bucket. Times are milliseconds since the epoch; a clock that steps back refills nothing.
 */
class TokenBucket {
  readonly #rate: Rate;
  #remaining: number;
  #refilledAt: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#remaining = rate.burst;
    this.#refilledAt = now;
  }

  remaining(now: number): number {
    const { burst, perSecond } = this.#rate;
    const elapsedSeconds = Math.max(0, now - this.#refilledAt) / 1000;
    this.#remaining = Math.min(burst, this.#remaining + elapsedSeconds * perSecond);
    this.#refilledAt = now;
    return this.#remaining;
  }

  /** Takes one. @returns false when there is none */
  take(now: number): boolean {
    if (this.remaining(now) < 1) return false;
    this.#remaining -= 1;
    return true;
  }
}
