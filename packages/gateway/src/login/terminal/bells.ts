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

  /** Listens for some ids, until `stop`. */
  listen(...ids: string[]): Bell {
    const bell = new Bell(() => {
      for (const id of ids) this.#remove(id, bell);
    });
    for (const id of ids) this.#listenersOf(id).add(bell);
    return bell;
  }

  #listenersOf(id: string): Set<Bell> {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners);
    return listeners;
  }

  #remove(id: string, bell: Bell): void {
    const listeners = this.#listenersOf(id);
    listeners.delete(bell);
    if (listeners.size === 0) this.#listeners.delete(id);
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

  /** Whether it was rung since this was asked last. */
  takeNews(): boolean {
    const hasRung = this.#hasRung;
    this.#hasRung = false;
    return hasRung;
  }

  /** Resolves when there is news, when aborted, or after `ms`. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#hasRung && signal?.aborted !== true) await this.#sleep(ms, signal);
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
