// Budgets for work that strangers can cause before they have proven anything. Each network has a
// rate of its own, all together have another, and a reserve beyond that serves networks that used
// little: a flood from some networks must not shut out the others. The networks of one IPv6 site
// share a few networks' worth, so that nobody floods from 65,536 of them.
import { BoundedCache } from "./bounded-cache.ts";
import type { Stopwatch } from "./clock.ts";
import { siteOf } from "./network.ts";

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

/** How many networks' worth the /64 networks of one site get together (network.ts, `siteOf`). */
export const networksPerSite = 4;

/** Counts one kind of work by network (network.ts, `networkOf`). */
export class NetworkBudget {
  readonly #elapsed: Stopwatch;
  readonly #perNetwork: Rate;
  readonly #perSite: Rate;
  readonly #buckets = new BoundedCache<string, TokenBucket>(2 * networkCapacity);
  readonly #inAll: TokenBucket;
  readonly #reserve: TokenBucket;

  constructor(elapsed: Stopwatch, { perNetwork, inAll, reserve }: NetworkRates) {
    this.#elapsed = elapsed;
    const { burst, perSecond } = perNetwork;
    this.#perNetwork = perNetwork;
    this.#perSite = { burst: burst * networksPerSite, perSecond: perSecond * networksPerSite };
    this.#inAll = new TokenBucket(inAll, elapsed());
    this.#reserve = new TokenBucket(reserve, elapsed());
  }

  /** Counts one piece of work. @returns whether it may be done */
  take(network: string): boolean {
    const now = this.#elapsed();
    const buckets = this.#bucketsOf(network, now);
    const usedLittle = buckets.every((bucket) => bucket.hasHalf(now));
    if (!buckets.every((bucket) => bucket.take(now))) return false;
    if (this.#inAll.take(now)) return true;
    return usedLittle && this.#reserve.take(now);
  }

  /** The bucket of the network, and that of its site where this is another. */
  #bucketsOf(network: string, now: number): TokenBucket[] {
    const bucket = this.#bucketOf(network, this.#perNetwork, now);
    const site = siteOf(network);
    if (site === network) return [bucket];
    return [bucket, this.#bucketOf(site, this.#perSite, now)];
  }

  #bucketOf(key: string, rate: Rate, now: number): TokenBucket {
    const cachedBucket = this.#buckets.get(key);
    if (cachedBucket !== undefined) return cachedBucket;
    const bucket = new TokenBucket(rate, now);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

/**
 * A token bucket. Times are of a stopwatch; one that steps back all the same refills nothing.
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

  /** Whether half of the burst is left, or more. */
  hasHalf(now: number): boolean {
    return this.#refill(now) >= this.#rate.burst / 2;
  }

  #refill(now: number): number {
    const { burst, perSecond } = this.#rate;
    const elapsedSeconds = Math.max(0, now - this.#refilledAt) / 1000;
    this.#remaining = Math.min(burst, this.#remaining + elapsedSeconds * perSecond);
    this.#refilledAt = now;
    return this.#remaining;
  }

  /** Takes one. @returns false when there is none */
  take(now: number): boolean {
    if (this.#refill(now) < 1) return false;
    this.#remaining -= 1;
    return true;
  }
}
