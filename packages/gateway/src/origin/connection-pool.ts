// The connections to one service over HTTP/1.1. A connection serves one request at a time, is used
// again only when both sides were done with each other, and is never handed out with bytes left on
// it. An origin whose bytes belong to no answer gets a connection for each request for a while.
// There are so many connections at most; then requests wait in line.
import { atEndOfTurn } from "../http/end-of-turn.ts";
import type { IngressRule } from "../model/model.ts";
import { type Dial, OriginConnection } from "./origin-connection.ts";
import { dialer } from "./origin-dialer.ts";
import type { OriginPool } from "./origin-request.ts";
import { WaitingLine } from "./waiting-line.ts";

/**
 * For so long a connection is kept idle. How many are kept is not limited beside how many may be
 * open: where a thousand requests come at once again and again, dialling anew for most of them
 * costs a third of all CPU.
 */
const idleTimeout = 30_000;
/**
 * Servers keep idle connections for five seconds at the least. A request that must not meet a
 * closing one takes a younger.
 */
const surelyOpenMs = 2_000;
/** For so long after a byte too many, no connection of its origin is used again. */
const distrustMs = 10 * 60_000;

/** What holds for every pool. */
export interface PoolOptions {
  /** open connections to one service, at most */
  connectionLimit: number;
  /**
   * Called when an origin sends bytes that belong to no answer; not again while its connections
   * serve one request each.
   */
  onStray: (service: IngressRule["service"]) => void;
}

/** The connections to one service. */
export class ConnectionPool implements OriginPool {
  /** when a connection was last taken, `performance.now()` */
  usedAt = performance.now();
  closed = false;
  readonly #service: IngressRule["service"];
  readonly #dial: Dial;
  readonly #originRequest: IngressRule["originRequest"];
  readonly #options: PoolOptions;
  readonly #open = new Set<OriginConnection>();
  // The youngest last: it is taken first, so that a quiet pool shrinks by itself.
  readonly #idle: OriginConnection[] = [];
  /** those whose request has ended in this turn */
  #resting: OriginConnection[] = [];
  readonly #line = new WaitingLine(this);
  #distrustedUntil = Number.NEGATIVE_INFINITY;

  constructor({ service, originRequest }: IngressRule, options: PoolOptions) {
    this.#service = service;
    this.#dial = dialer(service, originRequest);
    this.#originRequest = originRequest;
    this.#options = options;
  }

  /** Whether a request must wait: every connection that may be open is in use. */
  get isFull(): boolean {
    return this.#idle.length === 0 && this.#open.size >= this.#options.connectionLimit;
  }

  whenFree(take: () => void): () => void {
    return this.#line.join(take);
  }

  /** An idle connection, or a new one. */
  take(isRepeatable: boolean): OriginConnection {
    const now = performance.now();
    this.usedAt = now;
    const oldest = isRepeatable ? idleTimeout : surelyOpenMs;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      const age = now - idle.idleSince;
      if (idle.usable && age < Math.min(oldest, idle.idleTimeout)) return idle;
      idle.destroy();
    }
    const connection = new OriginConnection(this.#dial, {
      connectTimeout: this.#originRequest.connectTimeout,
      bodyTimeout: this.#originRequest.bodyTimeout,
      idleTimeout,
      onFree: this.#keep,
      onUnusable: this.#drop,
      onStray: this.#distrust,
    });
    this.#open.add(connection);
    return connection;
  }

  /**
   * Takes a connection back. It can be taken again from the end of this turn on: what its origin
   * sent beyond its answer is then read before the next request has left.
   */
  readonly #keep = (connection: OriginConnection): void => {
    if (this.#resting.push(connection) === 1) atEndOfTurn(this.#restAll);
  };

  readonly #restAll = (): void => {
    const connections = this.#resting;
    this.#resting = [];
    for (const connection of connections) this.#rest(connection);
  };

  #rest(connection: OriginConnection): void {
    const isWelcome =
      !this.closed && connection.usable && !this.#isDistrusted(connection.idleSince);
    if (isWelcome) this.#idle.push(connection);
    else connection.destroy();
    this.#line.advance();
  }

  isNeeded(now: number): boolean {
    return this.#isDistrusted(now);
  }

  /** Whether its connections serve one request each. @param now `performance.now()` */
  #isDistrusted(now: number): boolean {
    return now < this.#distrustedUntil;
  }

  readonly #distrust = (): void => {
    const now = performance.now();
    if (!this.#isDistrusted(now)) this.#options.onStray(this.#service);
    this.#distrustedUntil = now + distrustMs;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  };

  readonly #drop = (connection: OriginConnection): void => {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#line.advance();
  };

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
