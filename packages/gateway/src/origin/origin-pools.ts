// The pools of connections to origins: one for each service as configured.
import type { IngressRule } from "../model/model.ts";
import { ConnectionPool, type PoolOptions } from "./connection-pool.ts";
import type { OriginPool } from "./origin-request.ts";

const sweepInterval = 5_000;
/** A pool that nothing used for so long is closed: its rule may be configured away. */
const unusedMs = 60_000;

/** One pool for each service. */
export class OriginPools {
  // A reload makes new rules; one that the edit did not touch finds its connections by content.
  readonly #poolOfContent = new Map<string, ConnectionPool>();
  readonly #poolOfRule = new WeakMap<IngressRule, ConnectionPool>();
  readonly #options: PoolOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: PoolOptions) {
    this.#options = options;
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

  #open(rule: IngressRule): ConnectionPool {
    const content = JSON.stringify([rule.service, rule.originRequest]);
    const pool = this.#poolOfContent.get(content) ?? new ConnectionPool(rule, this.#options);
    this.#poolOfContent.set(content, pool);
    this.#poolOfRule.set(rule, pool);
    return pool;
  }

  #sweep(now: number): void {
    for (const [content, pool] of this.#poolOfContent) {
      pool.sweep(now);
      if (now - pool.usedAt < unusedMs || pool.isDistrusted(now)) continue;
      pool.close();
      this.#poolOfContent.delete(content);
    }
  }
}
