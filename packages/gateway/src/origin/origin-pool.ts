// The connections to origins: one pool for each service as configured. A connection serves one
// request at a time, is used again only when both sides were done with each other, and is never
// handed out with bytes left on it.
import type { IngressRule } from "../model/model.ts";
import { type Dial, OriginConnection } from "./origin-connection.ts";
import { dialer } from "./origin-dialer.ts";

/** Idle connections that a pool keeps at most, and for how long. */
const idleLimit = 256;
const idleTimeout = 30_000;
/**
 * Servers keep idle connections for five seconds at the least. A request that must not meet a
 * closing one takes a younger.
 */
const surelyOpenMs = 2_000;
const sweepInterval = 5_000;
/** A pool that nothing used for so long is closed: its rule may be configured away. */
const unusedMs = 60_000;

/** One pool for each service. */
export class OriginPools {
  // A reload makes new rules; one that the edit did not touch finds its connections by content.
  readonly #poolOfContent = new Map<string, OriginPool>();
  readonly #poolOfRule = new WeakMap<IngressRule, OriginPool>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#sweep(performance.now()), sweepInterval);
    this.#timer.unref();
  }

  /**
   * The pool of a rule whose service is an origin.
   * @throws {Error} when the rule's CA file cannot be read
   */
  poolFor(rule: IngressRule): OriginPool {
    const pool = this.#poolOfRule.get(rule);
    return pool === undefined || pool.closed ? this.#open(rule) : pool;
  }

  /** Ends every idle connection now, and the others when their requests end. */
  close(): void {
    clearInterval(this.#timer);
    for (const pool of this.#poolOfContent.values()) pool.close();
  }

  #open(rule: IngressRule): OriginPool {
    const content = JSON.stringify([rule.service, rule.originRequest]);
    const pool = this.#poolOfContent.get(content) ?? new OriginPool(rule);
    this.#poolOfContent.set(content, pool);
    this.#poolOfRule.set(rule, pool);
    return pool;
  }

  #sweep(now: number): void {
    for (const [content, pool] of this.#poolOfContent) {
      pool.sweep(now);
      if (now - pool.usedAt < unusedMs) continue;
      pool.close();
      this.#poolOfContent.delete(content);
    }
  }
}

/** The connections to one service. */
export class OriginPool {
  /** when a connection was last taken, `performance.now()` */
  usedAt = performance.now();
  closed = false;
  readonly #dial: Dial;
  readonly #connectTimeout: number;
  // The youngest last: it is taken first, so that a quiet pool shrinks by itself.
  readonly #idle: OriginConnection[] = [];
  readonly #drop = (connection: OriginConnection): void => {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  };

  constructor({ service, originRequest }: IngressRule) {
    this.#dial = dialer(service, originRequest);
    this.#connectTimeout = originRequest.connectTimeout;
  }

  /**
   * An idle connection, or a new one.
   * @param isRepeatable whether the request may fail because the origin is just closing the
   * connection: it is sent once more
   */
  take(isRepeatable: boolean): OriginConnection {
    const now = performance.now();
    this.usedAt = now;
    const oldest = isRepeatable ? idleTimeout : surelyOpenMs;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      const age = now - idle.idleSince;
      if (idle.usable && age < Math.min(oldest, idle.idleTimeout)) return idle;
      idle.destroy();
    }
    return new OriginConnection(this.#dial, {
      connectTimeout: this.#connectTimeout,
      idleTimeout,
      onUnusable: this.#drop,
    });
  }

  /** Gives a connection back. */
  keep(connection: OriginConnection): void {
    const isWelcome = !this.closed && connection.usable && this.#idle.length < idleLimit;
    if (isWelcome) this.#idle.push(connection);
    else connection.destroy();
  }

  /** Ends connections that were idle for too long. */
  sweep(now: number): void {
    const isOld = (idle: OriginConnection) => now - idle.idleSince >= idle.idleTimeout;
    while (this.#idle[0] !== undefined && isOld(this.#idle[0])) this.#idle.shift()?.destroy();
  }

  close(): void {
    this.closed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}
