/** How many there are of each key at this moment. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** How many there are of this key. */
  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** @returns how many there are now, this one included */
  enter(key: string): number {
    const count = this.of(key) + 1;
    this.#counts.set(key, count);
    return count;
  }

  /** @returns how many are left */
  leave(key: string): number {
    const count = this.of(key) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
    return Math.max(0, count);
  }
}
