/** Who waits in this process for news of which id. */
export class Bells {
  readonly #listeners = new Map<string, Set<Bell>>();

  /** Wakes who listens for this id. */
  ring(id: string): void {
    for (const bell of this.#listeners.get(id) ?? []) bell.ring();
  }

  /** Wakes everybody. */
  ringAll(): void {
    for (const id of this.#listeners.keys()) this.ring(id);
  }

  /** Listens for an id, until `stop`. */
  listen(id: string): Bell {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners);
    const bell = new Bell(() => {
      listeners.delete(bell);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    });
    listeners.add(bell);
    return bell;
  }
}

/** One who listens. */
export class Bell {
  /** Listens no more. */
  readonly stop: () => void;
  #hasRung = false;
  #wake: (() => void) | undefined;

  constructor(stop: () => void) {
    this.stop = stop;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Resolves when rung, also since the last wait, when aborted, or after `ms`. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#hasRung && signal?.aborted !== true) await this.#sleep(ms, signal);
    this.#hasRung = false;
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    // Timers know whole milliseconds and may fire one early: whoever waits looks once, not twice.
    const timer = setTimeout(wake, Math.ceil(ms) + 1);
    this.#wake = wake;
    signal?.addEventListener("abort", wake);
    await promise;
    signal?.removeEventListener("abort", wake);
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
