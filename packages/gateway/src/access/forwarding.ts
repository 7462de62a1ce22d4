// A request that may pass, and what is known of it before its origin is asked: whether it can be
// sent twice, how long each side may be silent, and what the origin gets.
import type { ApplicationMatch } from "../catalog/match-application.ts";
import type { RequestHeaders } from "../http/request-headers.ts";
import type { Exchange } from "../http/transport.ts";
import type { IngressRule } from "../model/model.ts";
import type { OriginFault, OriginRequestHead } from "../origin/origin-request.ts";
import type { OriginResponseHead } from "../origin/response-head.ts";
import type { ReadRequest } from "./read-request.ts";
import type { RequestTrace } from "./request-trace.ts";
import type { Asker } from "./still-passes.ts";

/** A request that belongs to an application. */
export interface ApplicationRequest {
  exchange: Exchange;
  reading: ReadRequest;
  match: ApplicationMatch;
  /** where it is traced */
  trace?: RequestTrace | undefined;
}

/** One that may pass, and where it goes. */
export interface Forwarding extends ApplicationRequest {
  rule: IngressRule;
  /** for whom it was let through */
  asker: Asker;
  /** what the origin gets: names and values in turn, `Host` among them */
  originHeaders: readonly string[];
}

/**
 * `stalled_body`: the client stopped in the middle of its own request. `busy`: every connection
 * that the origin may have was in use.
 */
export type ForwardFault = OriginFault | "stalled_body" | "busy";

const repeatableMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether a request may reach its origin twice, when the origin was closing its connection. */
export function isRepeatable({ reading: { facts, headers } }: Forwarding): boolean {
  return !headers.hasBody && repeatableMethods.has(facts.method);
}

/**
 * Whether silence of either side is part of the request: in a call of gRPC, messages come when
 * something happens, and its deadline is the client's own. Strangers are not waited for: only whom
 * policy knows may keep a request open without end.
 */
export function mayPause({ reading, asker }: Forwarding): boolean {
  return reading.headers.isGrpc && asker.kind !== "anyone";
}

/** Whether trailers can follow on the client's side. */
export function mayTrail(
  { head: { method, version } }: Exchange,
  head: OriginResponseHead,
): boolean {
  const isBodiless = method === "HEAD" || head.status === 204 || head.status === 304;
  return head.chunked && version !== "1.0" && !isBodiless;
}

/** What the origin gets, as data. */
export function requestHead({ reading, originHeaders }: Forwarding): OriginRequestHead {
  const { facts, headers } = reading;
  return {
    method: facts.method,
    target: facts.query === "" ? facts.path : `${facts.path}?${facts.query}`,
    rawHeaders: originHeaders,
    framing: framingOf(headers),
    expectsContinue: headers.expectsContinue,
  };
}

function framingOf({ hasBody, chunked }: RequestHeaders): OriginRequestHead["framing"] {
  if (!hasBody) return "none";
  return chunked ? "chunked" : "length";
}
