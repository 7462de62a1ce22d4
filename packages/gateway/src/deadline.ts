/**
 * A time limit that is set and lifted many times and hardly ever passes, as with each request of a
 * connection. Setting it is a note of the time: the system's timer stays as it is, and looks when
 * it fires whether it came too early. It keeps no process alive.
 */
export class Deadline {
  readonly #onPassed: () => void;
  /** when the limit passes, `performance.now()` */
  #at = Number.POSITIVE_INFINITY;
  /** when the timer fires */
  #lookAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param onPassed called once for each `set` that nothing followed in time */
  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Sets the limit to so many milliseconds from now, or none, in place of the one before. */
  set(ms: number): void {
    this.#at = performance.now() + ms;
    if (this.#at < this.#lookAt) this.#lookIn(ms);
  }

  /** There is no limit until the next `set`. */
  lift(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Lifts it for good. */
  end(): void {
    this.lift();
    this.#lookAt = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#lookAt = this.#at;
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#lookAt = Number.POSITIVE_INFINITY;
    if (this.#at === Number.POSITIVE_INFINITY) return;
    const left = this.#at - performance.now();
    if (left > 0) {
      this.#lookIn(left);
      return;
    }
    this.lift();
    this.#onPassed();
  }
}
