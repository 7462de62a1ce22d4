// What is the same for many requests is signed once, and handed out again while it is good. Whoever
// asks while it is being signed gets the same.
import { BoundedCache } from "../bounded-cache.ts";
import type { Clock } from "../clock.ts";

const capacity = 10_000;

interface Entry {
  token: Promise<string>;
  /** milliseconds since the epoch */
  madeAt: number;
  until: number;
}

export class MintCache {
  readonly #entries = new BoundedCache<string, Entry>(capacity);
  readonly #now: Clock;
  readonly #basis: () => readonly unknown[];
  #usedBasis: readonly unknown[];

  /**
   * @param basis what tokens are made from besides what `key` says; when one of these values is
   * another, no cached token is used any more
   */
  constructor(now: Clock, basis: () => readonly unknown[]) {
    this.#now = now;
    this.#basis = basis;
    this.#usedBasis = basis();
  }

  /**
   * The token cached under `key`, or a new one.
   * @param life how long the new one is handed out, milliseconds
   * @param mint makes it; undefined is returned and not cached
   */
  get(
    key: string,
    life: number,
    mint: () => Promise<string> | undefined,
  ): Promise<string> | undefined {
    this.#dropOutdated();
    const cached = this.#entries.get(key);
    const now = this.#now();
    // A token from the future stems from before a clock was put back: nobody believes its date.
    if (cached !== undefined && cached.madeAt <= now && now < cached.until) return cached.token;

    const token = mint();
    if (token === undefined) this.#entries.delete(key);
    else this.#add(key, { token, madeAt: now, until: now + life });
    return token;
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    entry.token.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
  }

  #dropOutdated(): void {
    const basis = this.#basis();
    if (basis.every((value, index) => value === this.#usedBasis[index])) return;
    this.#entries.clear();
    this.#usedBasis = basis;
  }
}
