// When service tokens were last used. A request notes it in memory; the store hears of it once a
// minute, of all tokens at once.
import type { Clock } from "../clock.ts";
import type { TokenUseStore } from "../storage/store.ts";

/** How often the store is told, milliseconds. */
const interval = 60_000;

/** Notes uses, and stores them now and then. */
export class ServiceTokenUses {
  readonly #store: Pick<TokenUseStore, "note">;
  readonly #now: Clock;
  /** id → when it was last used; no more than there are service tokens */
  #latest = new Map<string, number>();

  constructor(store: Pick<TokenUseStore, "note">, now: Clock) {
    this.#store = store;
    this.#now = now;
  }

  /** A program showed this token, and it held. */
  note(id: string): void {
    this.#latest.set(id, this.#now());
  }

  /**
   * Stores what was noted since the last time.
   * @throws {Error} when the store cannot be written; then it is stored the next time
   */
  async flush(): Promise<void> {
    const uses = this.#latest;
    if (uses.size === 0) return;
    this.#latest = new Map();
    try {
      await this.#store.note([...uses].map(([id, last_used_at]) => ({ id, last_used_at })));
    } catch (error) {
      // What came meanwhile is later.
      this.#latest = new Map([...uses, ...this.#latest]);
      throw error;
    }
  }

  /**
   * Stores what is noted from time to time.
   * @param onError is told why it could not be stored
   * @returns a function that ends it
   */
  flushRegularly(onError: (error: unknown) => void): () => void {
    const timer = setInterval(() => void this.flush().catch(onError), interval);
    timer.unref();
    return () => clearInterval(timer);
  }
}
