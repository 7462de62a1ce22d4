/** How a cache fares: how often something was there, and how often it had to be made or read. */
export interface CacheReading {
  hits: number;
  misses: number;
}

/**
 * A map of at most `capacity` entries: putting one into a full cache removes the one that was put
 * there longest ago. What strangers can make us remember is kept in one of these.
 */
export class BoundedCache<Key, Value> {
  readonly #capacity: number;
  readonly #entries = new Map<Key, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** @returns the value that had to make room, if one had to */
  set(key: Key, value: Value): Value | undefined {
    this.#entries.delete(key);
    const evicted = this.#entries.size >= this.#capacity ? this.#removeOldest() : undefined;
    this.#entries.set(key, value);
    return evicted;
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }

  clear(): void {
    this.#entries.clear();
  }

  #removeOldest(): Value | undefined {
    for (const [key, value] of this.#entries) {
      this.#entries.delete(key);
      return value;
    }
    return undefined;
  }
}
