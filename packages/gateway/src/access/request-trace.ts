// The trace of one request: a span for all of it, one for the decision and one for the origin, sent
// when the answer has ended. Whose trace it is part of, and whether it is kept, is a claim that any
// client can make (`traceparent`, W3C Trace Context): only a trusted proxy is believed, here and by
// the origin. Spans hold the client's method and path, cut, and nothing else of its words.
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Network } from "../network.ts";
import type { Span } from "../observe/traces/span.ts";
import type { SpanExporter } from "../observe/traces/span-exporter.ts";
import type { RayIds } from "./ray-ids.ts";
import { isTrusted } from "./trusted-proxies.ts";

/** What traces are made with. */
export interface TracerOptions {
  exporter: SpanExporter;
  /** the share of requests that are traced, unless a trusted proxy says so */
  sampleRatio: number;
  trustedProxies: readonly Network[];
  rayIds: RayIds;
}

/** A trace that a request belongs to. */
interface TraceParent {
  traceId: string;
  spanId: string;
  isSampled: boolean;
}

const clientHeaders = new Set(["traceparent", "tracestate"]);
const ownHeader = new Set(["traceparent"]);
/** Characters of a method, and of a path, at most. */
const methodText = 20;
const pathText = 1_024;

/** Begins traces. */
export class Tracer {
  readonly #options: TracerOptions;

  constructor(options: TracerOptions) {
    this.#options = options;
  }

  /** @returns undefined for a request that is not traced */
  begin(peer: string | undefined, rawHeaders: readonly string[]): RequestTrace | undefined {
    const { exporter, sampleRatio, rayIds } = this.#options;
    const parent = this.#isProxied(peer) ? readTraceParent(rawHeaders) : undefined;
    const traceId = parent?.traceId ?? rayIds.next() + rayIds.next();
    const isSampled = parent?.isSampled ?? shareOf(traceId) < sampleRatio;
    if (!isSampled) return undefined;
    const ids = { traceId, spanId: rayIds.next(), parentId: parent?.spanId };
    return new RequestTrace(exporter, ids, () => rayIds.next());
  }

  /** What the origin of a request that is not traced gets: a stranger tells it of no trace. */
  untracedHeaders(peer: string | undefined, originHeaders: readonly string[]): readonly string[] {
    return this.#isProxied(peer) ? originHeaders : withoutHeaders(originHeaders, clientHeaders);
  }

  #isProxied(peer: string | undefined): boolean {
    return peer === undefined || isTrusted(this.#options.trustedProxies, peer);
  }
}

/** What was decided of a request, by names. */
export interface Judgement {
  application: string;
  outcome: string;
  policy: string | undefined;
}

/** One request as it goes along. */
export class RequestTrace {
  readonly #exporter: SpanExporter;
  readonly #ids: Pick<Span, "traceId" | "spanId" | "parentId">;
  readonly #newId: () => string;
  readonly #start = now();
  readonly #originId: string;
  #decidedAt: number | undefined;
  #origin: { start: number; end: number } | undefined;

  constructor(
    exporter: SpanExporter,
    ids: Pick<Span, "traceId" | "spanId" | "parentId">,
    newId: () => string,
  ) {
    this.#exporter = exporter;
    this.#ids = ids;
    this.#newId = newId;
    this.#originId = newId();
  }

  /** The verdict is there. */
  decided(): void {
    this.#decidedAt = now();
  }

  /** The head of the origin's answer is there. @param ms since the request left */
  originAnswered(ms: number): void {
    const end = now();
    this.#origin = { start: end - ms, end };
  }

  /** What the origin gets: the client's word is replaced by the trace that this is part of. */
  headersFor(originHeaders: readonly string[]): string[] {
    // What vendors say of a trace goes with it (`tracestate`).
    const replaced = this.#ids.parentId === undefined ? clientHeaders : ownHeader;
    const headers = withoutHeaders(originHeaders, replaced);
    headers.push("traceparent", `00-${this.#ids.traceId}-${this.#originId}-01`);
    return headers;
  }

  /** The answer has ended. @param status undefined where none began */
  ended(
    facts: RequestFacts,
    { application: name, outcome, policy }: Judgement,
    status: number | undefined,
  ): void {
    const { method, authority, path, clientIp, rayId } = facts;
    const { traceId, spanId } = this.#ids;
    const end = now();
    const whole: Span = {
      ...this.#ids,
      name: `${method.slice(0, methodText)} ${name}`,
      kind: "server",
      start: this.#start,
      end,
      attributes: {
        "http.request.method": method.slice(0, methodText),
        "http.response.status_code": status,
        "server.address": authority,
        "url.path": path.slice(0, pathText),
        "client.address": clientIp,
        "postern.ray_id": rayId,
        "postern.application": name,
        "postern.outcome": outcome,
      },
      isError: status === undefined || status >= 500,
    };
    const below = { traceId, parentId: spanId };
    const decision: Span = {
      ...{ ...below, spanId: this.#newId(), name: "decide", kind: "internal" as const },
      ...{ start: this.#start, end: this.#decidedAt ?? end, isError: false },
      attributes: {
        "postern.ray_id": rayId,
        "postern.outcome": outcome,
        "postern.policy": policy,
      },
    };
    const spans = [whole, decision];
    if (this.#origin !== undefined) {
      const attributes = { "postern.ray_id": rayId, "postern.application": name };
      const own = { ...below, spanId: this.#originId, name: "origin", kind: "client" as const };
      spans.push({ ...own, ...this.#origin, attributes, isError: false });
    }
    this.#exporter.add(spans);
  }
}

function withoutHeaders(headers: readonly string[], left: ReadonlySet<string>): string[] {
  const others: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (!left.has(name.toLowerCase())) others.push(name, headers[index + 1] ?? "");
  }
  return others;
}

/** Where a new trace lies between 0 and 1: its first digits are as random as any number. */
function shareOf(traceId: string): number {
  return Number.parseInt(traceId.slice(0, 8), 16) / 2 ** 32;
}

/** Milliseconds since the epoch, with a fraction. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** `00-<trace>-<parent>-<flags>`; what is none, or two, is no parent. */
function readTraceParent(rawHeaders: readonly string[]): TraceParent | undefined {
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "traceparent",
  );
  const [value = "", ...more] = values;
  const parts = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(value);
  if (parts === null || more.length > 0) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = parts;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
