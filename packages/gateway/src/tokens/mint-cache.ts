// Signing with RSA costs a third of a millisecond: what is the same for many requests is signed
// once, and handed out again while it is good.
import { BoundedCache } from "../bounded-cache.ts";
import type { Clock } from "../clock.ts";

const capacity = 10_000;

export class MintCache {
  readonly #tokens = new BoundedCache<string, { token: string; madeAt: number; until: number }>(
    capacity,
  );
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
  get<Token extends string | undefined>(
    key: string,
    life: number,
    mint: () => Token,
  ): string | Token {
    this.#dropOutdated();
    const entry = this.#tokens.get(key);
    const now = this.#now();
    // A token from the future stems from before a clock was put back: nobody believes its date.
    if (entry !== undefined && entry.madeAt <= now && now < entry.until) return entry.token;

    const token = mint();
    if (token === undefined) this.#tokens.delete(key);
    else this.#tokens.set(key, { token, madeAt: now, until: now + life });
    return token;
  }

  #dropOutdated(): void {
    const basis = this.#basis();
    if (basis.every((value, index) => value === this.#usedBasis[index])) return;
    this.#tokens.clear();
    this.#usedBasis = basis;
  }
}
