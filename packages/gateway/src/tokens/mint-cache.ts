// What is the same for many requests is signed once, and handed out again while it is good. Whoever
// asks while it is being signed gets the same.
import { BoundedCache } from "../bounded-cache.ts";
import type { Clock, Stopwatch } from "../clock.ts";

const capacity = 10_000;

interface Entry {
  token: Promise<string>;
  /** the date in the token, milliseconds since the epoch */
  date: number;
  /** of the stopwatch */
  madeAt: number;
}

interface MintClocks {
  now: Clock;
  elapsed: Stopwatch;
}

export class MintCache {
  readonly #entries = new BoundedCache<string, Entry>(capacity);
  readonly #clocks: MintClocks;
  readonly #basis: () => readonly unknown[];
  #usedBasis: readonly unknown[];

  /**
   * @param basis what tokens are made from besides what `key` says; when one of these values is
   * another, no cached token is used any more
   */
  constructor(clocks: MintClocks, basis: () => readonly unknown[]) {
    this.#clocks = clocks;
    this.#basis = basis;
    this.#usedBasis = basis();
  }

  /**
   * The token cached under `key`, or a new one.
   * @param life how long the new one is handed out, milliseconds
   * @param mint makes it
   */
  get(key: string, life: number, mint: () => Promise<string>): Promise<string> {
    const cached = this.find(key, life);
    if (cached !== undefined) return cached;
    const token = mint();
    this.#add(key, { token, date: this.#clocks.now(), madeAt: this.#clocks.elapsed() });
    return token;
  }

  /** The token cached under `key`, unless it is older than `life`, milliseconds. */
  find(key: string, life: number): Promise<string> | undefined {
    this.#dropOutdated();
    const cached = this.#entries.get(key);
    if (cached === undefined) return undefined;
    if (this.#serves(cached, life)) return cached.token;
    this.#entries.delete(key);
    return undefined;
  }

  /**
   * Whether the entry is young, and its date looks so to those who read it: the clock may have been
   * put forward or back since.
   */
  #serves({ date, madeAt }: Entry, life: number): boolean {
    const { now, elapsed } = this.#clocks;
    const apparentAge = now() - date;
    return elapsed() - madeAt < life && apparentAge >= 0 && apparentAge < life;
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
