// The last step: a request that may pass goes to its origin, and the answer comes back, both as
// they arrive and no faster than the other side takes them. What the origin gets was written by
// sanitize-headers.ts; nothing is added here.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { atEndOfTurn } from "../http/end-of-turn.ts";
import type { RequestHeaders } from "../http/request-headers.ts";
import type { IngressRule } from "../model/model.ts";
import type { Exchange, OriginConnection, OriginFault } from "../origin/origin-connection.ts";
import { createOriginPools, type OriginPool } from "../origin/origin-pool.ts";
import type { ResponseHead } from "../origin/response-reader.ts";
import { RequestBody } from "./request-body.ts";
import { sanitizeResponseHeaders, sanitizeTrailers } from "./sanitize-headers.ts";

export interface Forwarding {
  request: IncomingMessage;
  response: ServerResponse;
  facts: RequestFacts;
  sent: RequestHeaders;
  rule: IngressRule;
  /** names and values in turn, `Host` among them */
  headers: readonly string[];
  /** called when the origin did not answer and nothing has been said to the client yet */
  onFault: (fault: ForwardFault, detail: string) => void;
}

export interface Forwarder {
  forward(forwarding: Forwarding): void;
  /** ends idle connections */
  close(): void;
}

/** `stalled_body`: the client stopped in the middle of its own request. */
export type ForwardFault = OriginFault | "stalled_body";

/**
 * An origin that does not know `100 Continue` gets the body after this time (RFC 9110 section
 * 10.1.1).
 */
const continueAnywayMs = 1_000;
/** Bytes: an answer that arrives whole and is no longer than this leaves in one write. */
const smallBody = 16_384;
const repeatableMethods = new Set(["GET", "HEAD", "OPTIONS"]);

export interface ForwardLimits {
  /** milliseconds for which a client may pause in the middle of a body */
  bodyTimeout: number;
}

export function createForwarder(limits: ForwardLimits): Forwarder {
  const pools = createOriginPools();
  return {
    forward(forwarding) {
      const pool = pools.poolFor(forwarding.rule);
      const repeatable = !forwarding.sent.hasBody && repeatableMethods.has(forwarding.facts.method);
      new Passage(forwarding, pool, limits, repeatable).start();
    },
    close: () => pools.close(),
  };
}

/** One request at one origin, and its answer back to the client. */
class Passage implements Exchange {
  readonly #forwarding: Forwarding;
  readonly #pool: OriginPool;
  readonly #limits: ForwardLimits;
  /**
   * the origin may get the request once more, when it closed an idle connection just as it was used
   */
  readonly #repeatable: boolean;
  readonly #connection: OriginConnection;
  readonly #reused: boolean;
  readonly #body: RequestBody | undefined;
  #continueAnyway: NodeJS.Timeout | undefined;
  /** the beginning of the answer's body, as long as all of it may be here in a moment */
  #first: Buffer | undefined;
  #begun = false;
  #held = false;

  constructor(
    forwarding: Forwarding,
    pool: OriginPool,
    limits: ForwardLimits,
    repeatable: boolean,
  ) {
    this.#forwarding = forwarding;
    this.#pool = pool;
    this.#limits = limits;
    this.#repeatable = repeatable;
    this.#connection = pool.take(repeatable);
    this.#reused = this.#connection.reused;
    this.#body = forwarding.sent.hasBody ? this.#makeBody() : undefined;
  }

  start(): void {
    const { response, facts, sent } = this.#forwarding;
    response.once("close", this.#abandon);
    this.#connection.start(
      facts.method,
      requestHead(this.#forwarding),
      this,
      this.#body === undefined,
    );
    if (this.#body === undefined) this.#expectAnswer();
    else if (sent.expectsContinue)
      this.#continueAnyway = setTimeout(() => this.#startBody(), continueAnywayMs);
    else this.#startBody();
  }

  information(status: number): void {
    if (status === 100) this.#startBody();
  }

  head(head: ResponseHead): void {
    const { request, response, facts, sent } = this.#forwarding;
    clearTimeout(this.#continueAnyway);
    // Without its go-ahead the client keeps the body, and what it sends next could be either.
    if (sent.expectsContinue && this.#body?.started === false) response.shouldKeepAlive = false;
    const mayTrail =
      head.chunked &&
      request.httpVersionMinor > 0 &&
      facts.method !== "HEAD" &&
      head.status !== 204 &&
      head.status !== 304;
    response.writeHead(
      head.status,
      head.reason,
      sanitizeResponseHeaders(head, facts.rayId, mayTrail),
    );
  }

  data(chunk: Buffer): void {
    if (!this.#begun && chunk.length <= smallBody) this.#first = chunk;
    else {
      this.flush();
      this.#write(chunk);
    }
    this.#begun = true;
  }

  flush(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) this.#write(first);
  }

  end(rawTrailers: string[]): void {
    this.#over();
    const { response } = this.#forwarding;
    if (rawTrailers.length > 0) response.addTrailers(pairs(sanitizeTrailers(rawTrailers)));
    // Head and body as one string are one write, where head and buffer would be several.
    const rest = this.#first?.toString("latin1");
    atEndOfTurn(() => response.end(rest, "latin1"));
    // An origin that answers before it has the whole request may never read the rest of it.
    if (this.#body === undefined || this.#body.complete) this.#pool.keep(this.#connection);
    else this.#connection.destroy();
  }

  fail(fault: OriginFault, detail: string): void {
    const again =
      fault === "closed" && this.#repeatable && this.#reused && !this.#connection.answered;
    if (again) {
      this.#over();
      new Passage(this.#forwarding, this.#pool, this.#limits, false).start();
    } else this.#give(fault, detail);
  }

  drain(): void {
    this.#body?.resume();
  }

  #makeBody(): RequestBody {
    return new RequestBody({
      request: this.#forwarding.request,
      connection: this.#connection,
      chunked: this.#forwarding.sent.chunked,
      pauseLimit: this.#limits.bodyTimeout,
      onComplete: () => this.#expectAnswer(),
      onStall: () => this.#give("stalled_body", ""),
      takeLimit: this.#forwarding.rule.originRequest.responseTimeout,
      onUntaken: () => this.#give("response_timeout", "the origin takes no more of the body"),
    });
  }

  #startBody(): void {
    clearTimeout(this.#continueAnyway);
    const { response, sent } = this.#forwarding;
    if (!response.headersSent && this.#body?.start() === true && sent.expectsContinue)
      response.writeContinue();
  }

  #expectAnswer(): void {
    this.#connection.expectAnswer(this.#forwarding.rule.originRequest.responseTimeout);
  }

  #write(chunk: Buffer): void {
    if (this.#forwarding.response.write(Buffer.from(chunk)) || this.#held) return;
    this.#held = true;
    this.#connection.pause();
    this.#forwarding.response.once("drain", this.#release);
  }

  readonly #release = (): void => {
    this.#held = false;
    this.#connection.resume();
  };

  /** The client went away: the origin need not go on. */
  readonly #abandon = (): void => {
    this.#over();
    this.#connection.destroy();
  };

  #give(fault: ForwardFault, detail: string): void {
    this.#abandon();
    // Once the answer has begun, cutting it off is the only way left to say that this is not all of
    // it.
    if (this.#forwarding.response.headersSent) this.#forwarding.response.destroy();
    else this.#forwarding.onFault(fault, detail);
  }

  /** From here on nothing of this request may touch the connection, which may serve another one. */
  #over(): void {
    const { response } = this.#forwarding;
    response.off("close", this.#abandon);
    if (this.#held) response.off("drain", this.#release);
    clearTimeout(this.#continueAnyway);
    this.#body?.stop();
  }
}

function requestHead({ facts, headers, sent }: Forwarding): string {
  const target = facts.query === "" ? facts.path : `${facts.path}?${facts.query}`;
  let head = `${facts.method} ${target} HTTP/1.1\r\n`;
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  if (sent.chunked) head += "Transfer-Encoding: chunked\r\n";
  if (sent.expectsContinue) head += "Expect: 100-continue\r\n";
  return `${head}\r\n`;
}

function pairs(fields: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; index < fields.length; index += 2)
    found.push([fields[index] ?? "", fields[index + 1] ?? ""]);
  return found;
}
