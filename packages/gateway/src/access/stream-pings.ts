// Pings for the WebSockets that the gateway itself ends: middleboxes close what is silent, and a
// client whose machine is gone is noticed by the bytes that it never acknowledges. Nobody waits for
// the pong: who reads slowly answers late.

/** Something that is pinged. */
export interface Pinged {
  ping(): void;
}

/** Proxies and load balancers commonly close what is silent for a minute. */
const defaultInterval = 25_000;

/** One timer for all of them, while there are some. */
export class StreamPings {
  readonly #interval: number;
  readonly #pinged = new Set<Pinged>();
  #timer: NodeJS.Timeout | undefined;

  /** @param interval milliseconds */
  constructor(interval = defaultInterval) {
    this.#interval = interval;
  }

  add(pinged: Pinged): void {
    this.#pinged.add(pinged);
    this.#timer ??= setInterval(() => this.#pingAll(), this.#interval).unref();
  }

  remove(pinged: Pinged): void {
    this.#pinged.delete(pinged);
    if (this.#pinged.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #pingAll(): void {
    for (const pinged of this.#pinged) pinged.ping();
  }
}
