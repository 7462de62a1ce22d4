// The pools of connections to origins: one for each service as configured.
import type { Socket } from "node:net";
import type { IngressRule } from "../model/model.ts";
import { ConnectionPool, type PoolOptions } from "./connection-pool.ts";
import type { Dial } from "./origin-connection.ts";
import { dialer } from "./origin-dialer.ts";
import type { OriginPool } from "./origin-request.ts";
import { SessionPool } from "./session-pool.ts";

const sweepInterval = 5_000;
/** A pool that nothing used for so long is closed: its rule may be configured away. */
const unusedMs = 60_000;

/** A pool as seen by who keeps it. */
interface KeptPool extends OriginPool {
  /** when it was last asked for room, `performance.now()` */
  readonly usedAt: number;
  readonly closed: boolean;
  /** Whether it knows what a new pool would not, or serves somebody. @param now as in `usedAt` */
  isNeeded(now: number): boolean;
  /** Ends connections that were idle for too long. */
  sweep(now: number): void;
  /** Ends every idle connection now, and the others when their requests end. */
  close(): void;
}

/** One pool for each service. */
export class OriginPools {
  // A reload makes new rules; one that the edit did not touch finds its connections by content.
  readonly #poolOfContent = new Map<string, KeptPool>();
  readonly #poolOfRule = new WeakMap<IngressRule, KeptPool>();
  readonly #dialOfRule = new WeakMap<IngressRule, Dial>();
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

  /**
   * Opens a connection for one tunnel, each of whose sides ends by itself. No pool counts it, and
   * no other request ever gets it (case H9).
   * @throws {Error} when the rule's CA file cannot be read
   */
  dialTunnel(rule: IngressRule): Socket {
    const dial = this.#dialOfRule.get(rule) ?? dialer(rule.service, rule.originRequest);
    this.#dialOfRule.set(rule, dial);
    const socket = dial();
    socket.allowHalfOpen = true;
    return socket;
  }

  /** Ends every idle connection now, and the others when their requests end. */
  close(): void {
    clearInterval(this.#timer);
    for (const pool of this.#poolOfContent.values()) pool.close();
  }

  #open(rule: IngressRule): KeptPool {
    const content = JSON.stringify([rule.service, rule.originRequest]);
    const pool = this.#poolOfContent.get(content) ?? this.#make(rule);
    this.#poolOfContent.set(content, pool);
    this.#poolOfRule.set(rule, pool);
    return pool;
  }

  #make(rule: IngressRule): KeptPool {
    if (rule.originRequest.http2Origin !== true) return new ConnectionPool(rule, this.#options);
    return new SessionPool(rule, this.#options.connectionLimit);
  }

  #sweep(now: number): void {
    for (const [content, pool] of this.#poolOfContent) {
      pool.sweep(now);
      if (now - pool.usedAt < unusedMs || pool.isNeeded(now)) continue;
      pool.close();
      this.#poolOfContent.delete(content);
    }
  }
}
