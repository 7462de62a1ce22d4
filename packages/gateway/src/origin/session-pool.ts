// The HTTP/2 sessions with one service. A session serves as many requests at a time as its origin
// takes, and another one begins when all are full. There are so many sessions at most; then
// requests wait in line.
import type { IngressRule } from "../model/model.ts";
import { Http2Request, type Http2RequestOptions } from "./http2-request.ts";
import { OriginSession, type WaitingRequest } from "./http2-session.ts";
import type { Dial } from "./origin-connection.ts";
import { dialer } from "./origin-dialer.ts";
import type { OriginPool, OriginRequest } from "./origin-request.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Milliseconds for which a session that serves nobody is kept. */
const idleTimeout = 30_000;

/** The sessions with one service. */
export class SessionPool implements OriginPool {
  /** when room was last taken, `performance.now()` */
  usedAt = performance.now();
  closed = false;
  readonly #dial: Dial;
  readonly #connectTimeout: number;
  readonly #requestOptions: Http2RequestOptions;
  readonly #connectionLimit: number;
  readonly #sessions = new Set<OriginSession>();
  readonly #line = new WaitingLine(this);

  constructor({ service, originRequest }: IngressRule, connectionLimit: number) {
    const { connectTimeout, bodyTimeout } = originRequest;
    this.#dial = dialer(service, originRequest, "h2");
    this.#connectTimeout = connectTimeout;
    this.#requestOptions = { scheme: schemeOf(service), bodyTimeout };
    this.#connectionLimit = connectionLimit;
  }

  get isFull(): boolean {
    return this.#sessionWithRoom() === undefined && this.#sessions.size >= this.#connectionLimit;
  }

  whenFree(take: () => void): () => void {
    return this.#line.join(take);
  }

  take(): OriginRequest {
    this.usedAt = performance.now();
    return new Http2Request(this.#sessionWithRoom() ?? this.#begin(), this.#requestOptions);
  }

  isNeeded(): boolean {
    return [...this.#sessions].some((session) => !session.isIdle);
  }

  /** Ends sessions that were idle for too long. @param now `performance.now()` */
  sweep(now: number): void {
    for (const session of this.#sessions)
      if (session.isIdle && now - session.idleSince >= idleTimeout) this.#end(session);
  }

  close(): void {
    this.closed = true;
    for (const session of this.#sessions) this.#end(session);
  }

  /** The oldest: the younger ones of a quiet pool become idle. */
  #sessionWithRoom(): OriginSession | undefined {
    for (const session of this.#sessions) if (session.hasRoom) return session;
    return undefined;
  }

  #begin(): OriginSession {
    const session = new OriginSession(this.#dial, {
      scheme: this.#requestOptions.scheme,
      connectTimeout: this.#connectTimeout,
      onRelease: this.#advance,
      onRetire: this.#drop,
      onSurplus: this.#move,
    });
    this.#sessions.add(session);
    return session;
  }

  #end(session: OriginSession): void {
    session.close();
    this.#drop(session);
  }

  readonly #advance = (): void => this.#line.advance();

  readonly #drop = (session: OriginSession): void => {
    this.#sessions.delete(session);
    this.#line.advance();
  };

  /** Above the limit of connections, if need be: the request has been let in already. */
  readonly #move = (request: WaitingRequest): void => {
    request.moveTo(this.#sessionWithRoom() ?? this.#begin());
  };
}

function schemeOf(service: IngressRule["service"]): "http" | "https" {
  switch (service.kind) {
    case "http":
      return service.origin.startsWith("https:") ? "https" : "http";
    case "unix":
      return service.tls ? "https" : "http";
    case "status":
    case "stream":
    case "bastion":
      throw new Error(`nothing at ${service.kind} speaks HTTP`);
  }
}
