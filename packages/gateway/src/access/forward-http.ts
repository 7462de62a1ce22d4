// The last step: a request that may pass goes to its origin, and the answer comes back, both as
// they arrive and no faster than the other side takes them. What the origin gets was written by
// sanitize-headers.ts; nothing is added here.
import type { Socket } from "node:net";
import { atEndOfTurn } from "../http/end-of-turn.ts";
import type { IngressRule } from "../model/model.ts";
import { OriginPools } from "../origin/origin-pools.ts";
import type {
  OriginEvents,
  OriginFault,
  OriginPool,
  OriginRequest,
} from "../origin/origin-request.ts";
import { hasNoEnd, type OriginResponseHead } from "../origin/response-head.ts";
import { endGrpcCall } from "./end-grpc-call.ts";
import { ForwardedBody, type ForwardedBodyEvents } from "./forward-body.ts";
import {
  type ApplicationRequest,
  type ForwardFault,
  type Forwarding,
  isRepeatable,
  mayPause,
  mayTrail,
  requestHead,
} from "./forwarding.ts";
import type { OpenStream, OpenStreams, StreamEnd } from "./open-streams.ts";
import { sanitizeResponseHeaders, sanitizeTrailers } from "./sanitize-headers.ts";

/** What holds for every request that is forwarded. */
export interface ForwarderOptions {
  /** milliseconds for which a client may pause in the middle of a body */
  bodyTimeout: number;
  /** open connections to one service, at most; more requests wait in line */
  originConnections: number;
  /** called when the origin did not answer, or not to the end */
  onFault: (request: ApplicationRequest, fault: ForwardFault, detail: string) => void;
  /** called when an origin sends bytes that belong to no answer */
  onStray: (service: IngressRule["service"]) => void;
  streams: OpenStreams;
  /** told when the head of an answer is there, milliseconds after the request left */
  onAnswer: ((request: ApplicationRequest, ms: number) => void) | undefined;
}

/**
 * An origin that does not know `100 Continue` gets the body after this time (RFC 9110 section
 * 10.1.1).
 */
const continueAnywayMs = 1_000;
/** Bytes: an answer that arrives whole and is no longer than this leaves in one write. */
const smallBody = 16_384;
/** Methods whose body every origin reads (RFC 9110 9.3): that of another may be left unread. */
const methodsWithContent = new Set(["POST", "PUT", "PATCH"]);

/** Sends requests to their origins over connections that it keeps. */
export class HttpForwarder {
  readonly #options: ForwarderOptions;
  readonly #pools: OriginPools;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { originConnections, onStray } = options;
    this.#pools = new OriginPools({ connectionLimit: originConnections, onStray });
  }

  /** Sends a request on. Its answer, or its fault, comes later. */
  forward(forwarding: Forwarding): void {
    const pool = this.#pools.poolFor(forwarding.rule);
    if (pool.isFull) this.#waitInLine(forwarding, pool);
    else new Passage(forwarding, pool, this.#options, true).start();
  }

  /** A connection to the service of a rule that serves one tunnel, and no other request. */
  dialTunnel(rule: IngressRule): Socket {
    return this.#pools.dialTunnel(rule);
  }

  /** Waits for a connection as long as a new one might take to stand. */
  #waitInLine(forwarding: Forwarding, pool: OriginPool): void {
    const { exchange, rule } = forwarding;
    const { connectTimeout } = rule.originRequest;
    const leave = pool.whenFree(() => {
      stopWaiting();
      new Passage(forwarding, pool, this.#options, true).start();
    });
    const stopWaiting = () => {
      clearTimeout(deadline);
      exchange.onAbort = undefined;
      leave();
    };
    const deadline = setTimeout(() => {
      stopWaiting();
      const detail = `no connection was free within ${connectTimeout} ms`;
      this.#options.onFault(forwarding, "busy", detail);
    }, connectTimeout);
    exchange.onAbort = stopWaiting;
  }

  /** Ends idle connections to origins. */
  close(): void {
    this.#pools.close();
  }
}

/** One request at one origin, and its answer back to the client. */
class Passage implements OriginEvents, ForwardedBodyEvents {
  readonly #forwarding: Forwarding;
  readonly #pool: OriginPool;
  readonly #options: ForwarderOptions;
  /** whether the origin has not had this request before */
  readonly #isFirst: boolean;
  readonly #request: OriginRequest;
  /** read before the request, which changes it */
  readonly #isReused: boolean;
  readonly #body: ForwardedBody | undefined;
  #continueAnyway: NodeJS.Timeout | undefined;
  /** the beginning of the answer's body, as long as all of it may be here in a moment */
  #first: Buffer | undefined;
  #hasData = false;
  #isClientSlow = false;
  /** where the answer ends with the session or the access of whoever it is for */
  #stream: OpenStream | undefined;
  #bytes = 0;
  /** where somebody wants to know: `performance.now()` */
  #startedAt = 0;
  /** whether nothing of the request is left unread at the origin, as far as anybody can tell */
  #isRequestRead = true;

  constructor(
    forwarding: Forwarding,
    pool: OriginPool,
    options: ForwarderOptions,
    isFirst: boolean,
  ) {
    this.#forwarding = forwarding;
    this.#pool = pool;
    this.#options = options;
    this.#isFirst = isFirst;
    this.#request = pool.take(isFirst && isRepeatable(forwarding));
    this.#isReused = this.#request.reused;
    this.#body = forwarding.reading.headers.hasBody ? this.#makeBody() : undefined;
  }

  start(): void {
    const { exchange, reading, match } = this.#forwarding;
    // 1. A client that goes away ends the request at the origin.
    const abandon = () => this.#abandon();
    exchange.onAbort = abandon;
    // The answer to a call of gRPC may begin when its last message is there.
    const { isGrpc } = reading.headers;
    if (isGrpc || match.application.end_streams === "all") this.#watch(isGrpc);

    // 2. The head. Without a body it is the whole request.
    if (this.#options.onAnswer !== undefined) this.#startedAt = performance.now();
    this.#request.start(requestHead(this.#forwarding), this);

    // 3. The body, at once or when the origin asks for it.
    if (this.#body === undefined) this.bodySent();
    else if (reading.headers.expectsContinue)
      this.#continueAnyway = setTimeout(() => this.#startBody(), continueAnywayMs);
    else this.#startBody();
  }

  // What the origin does.

  information(status: number): void {
    if (status === 100) this.#startBody();
  }

  head(head: OriginResponseHead): void {
    const { exchange, reading } = this.#forwarding;
    clearTimeout(this.#continueAnyway);
    this.#options.onAnswer?.(this.#forwarding, performance.now() - this.#startedAt);
    // Without its go-ahead the client keeps the body, and what it sends next could be either.
    const neverAsked = reading.headers.expectsContinue && this.#body?.started === false;
    if (neverAsked) exchange.response.closeConnection();
    if (this.#stream === undefined && hasNoEnd(head)) this.#watch(true);
    this.#isRequestRead = this.#body === undefined || this.#hasReadBody(this.#body, head.status);
    exchange.response.start({
      status: head.status,
      reason: head.reason,
      rawHeaders: sanitizeResponseHeaders(head, reading.rayId, mayTrail(exchange, head)),
      areLines: true,
    });
  }

  data(chunk: Buffer): void {
    const mayBeAll = !this.#hasData && chunk.length <= smallBody;
    this.#hasData = true;
    if (mayBeAll) {
      this.#first = chunk;
      return;
    }
    this.flush();
    this.#write(chunk);
  }

  flush(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) this.#write(first);
    else if (!this.#hasData) atEndOfTurn(() => this.#sendHead());
  }

  /** A head whose body is not here yet does not wait for it: an event may be hours away. */
  #sendHead(): void {
    const { response } = this.#forwarding.exchange;
    if (response.started && !this.#hasData) response.flush();
  }

  end(rawTrailers: string[]): void {
    this.#release();
    this.#forwarding.exchange.response.end(this.#first, sanitizeTrailers(rawTrailers));
    if (this.#isRequestRead) this.#request.keep();
    else this.#request.destroy();
  }

  /**
   * Whether the origin has read this body. What it leaves unread it takes for the next request, and
   * somebody else gets the answer (case H9): so do origins that answer early, that ignore bodies
   * where they expect none, and that refuse or redirect without a look at them.
   */
  #hasReadBody({ complete }: ForwardedBody, status: number): boolean {
    const { facts, headers } = this.#forwarding.reading;
    if (!complete || headers.expectsContinue) return false;
    return methodsWithContent.has(facts.method) && status < 300;
  }

  fail(fault: OriginFault, detail: string): void {
    if (!this.#isFirst || !this.#hadNoEffect(fault)) {
      this.#giveUp(fault, detail);
      return;
    }
    this.#release();
    new Passage(this.#forwarding, this.#pool, this.#options, false).start();
  }

  /** Whether the request can be sent once more, as if it had never been sent. */
  #hadNoEffect(fault: OriginFault): boolean {
    const { answered, refused } = this.#request;
    if (answered) return false;
    if (refused) return this.#body?.started !== true;
    return fault === "closed" && this.#isReused && isRepeatable(this.#forwarding);
  }

  drain(): void {
    this.#body?.resume();
  }

  // What becomes of the request's body.

  bodySent(): void {
    if (mayPause(this.#forwarding)) return;
    this.#request.expectAnswer(this.#forwarding.rule.originRequest.responseTimeout);
  }

  clientStalled(): void {
    this.#giveUp("stalled_body", "");
  }

  originStalled(): void {
    this.#giveUp("response_timeout", "the origin stopped reading the body");
  }

  #makeBody(): ForwardedBody {
    const { exchange, rule } = this.#forwarding;
    const mayTakeAnyTime = mayPause(this.#forwarding);
    const limit = (ms: number) => (mayTakeAnyTime ? Number.POSITIVE_INFINITY : ms);
    const options = {
      body: exchange.body,
      request: this.#request,
      clientPauseLimit: limit(this.#options.bodyTimeout),
      originPauseLimit: limit(rule.originRequest.responseTimeout),
    };
    return new ForwardedBody(options, this);
  }

  #startBody(): void {
    clearTimeout(this.#continueAnyway);
    const { exchange, reading } = this.#forwarding;
    if (this.#body === undefined || this.#body.started || exchange.response.started) return;
    this.#body.start();
    if (reading.headers.expectsContinue) exchange.continue();
  }

  #watch(isStream: boolean): void {
    const { reading, match, asker } = this.#forwarding;
    this.#stream = this.#options.streams.add({
      facts: reading.facts,
      application: match.application,
      asker,
      isStream,
      bytes: () => this.#bytes,
      end: (reason) => this.#cut(reason),
    });
  }

  /** Nobody may have the rest. Without its last chunk a client sees that this is not all. */
  #cut(reason: StreamEnd): void {
    const { exchange, reading } = this.#forwarding;
    this.#abandon();
    if (reading.headers.isGrpc && exchange.head.version === "2.0") endGrpcCall(exchange, reason);
    else exchange.destroy();
  }

  #write(chunk: Buffer): void {
    const { response } = this.#forwarding.exchange;
    this.#bytes += chunk.length;
    if (response.write(chunk) || this.#isClientSlow) return;
    this.#isClientSlow = true;
    this.#request.pause();
    const goOn = () => this.#goOn();
    response.onDrain = goOn;
  }

  #goOn(): void {
    this.#isClientSlow = false;
    this.#request.resume();
  }

  #abandon(): void {
    this.#release();
    this.#request.destroy();
  }

  #giveUp(fault: ForwardFault, detail: string): void {
    this.#abandon();
    const { exchange } = this.#forwarding;
    const hasBegun = exchange.response.started;
    this.#options.onFault(this.#forwarding, fault, detail);
    // Once the answer has begun, cutting it off is the only way left to say that this is not all of
    // it.
    if (hasBegun) exchange.destroy();
  }

  /** From here on nothing of this request may touch the connection, which may serve another one. */
  #release(): void {
    const { exchange } = this.#forwarding;
    exchange.onAbort = undefined;
    exchange.response.onDrain = undefined;
    clearTimeout(this.#continueAnyway);
    this.#stream?.close();
    this.#body?.stop();
  }
}
