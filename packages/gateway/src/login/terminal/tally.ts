/** How many there are of each key at this moment. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** @returns how many there are now, this one included */
  enter(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }

  /** @returns how many are left */
  leave(key: string): number {
    const count = (this.#counts.get(key) ?? 1) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
    return count;
  }
}
