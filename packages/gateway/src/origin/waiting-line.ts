/** Requests that wait for room at their origin, the first first. */
export class WaitingLine {
  readonly #line = new Set<() => void>();
  readonly #room: { readonly isFull: boolean };

  constructor(room: { readonly isFull: boolean }) {
    this.#room = room;
  }

  /** @returns a function that leaves the line */
  join(take: () => void): () => void {
    this.#line.add(take);
    return () => this.#line.delete(take);
  }

  /** Calls those who wait, one after the other, as long as there is room. */
  advance(): void {
    for (const take of this.#line) {
      if (this.#room.isFull) return;
      this.#line.delete(take);
      take();
    }
  }
}
