// Lends the decision to a proxy that carries requests itself (wire-protocol 12): read what it asks
// about → match the application → authorize, as for a request that came here. Only an answer of 200
// lets a request pass, and only a verdict that lets it pass gets one.
import type { Catalog, CatalogSource } from "../catalog/catalog.ts";
import { readHeaders, valuesOf } from "../http/request-headers.ts";
import { sendAnswer } from "../http/send-answer.ts";
import type { Exchange } from "../http/transport.ts";
import type { RecordEvent } from "../observe/events.ts";
import type { GatewayMetrics } from "../observe/metrics/gateway-metrics.ts";
import { answerOwnFault } from "./answer-request.ts";
import { type AnswerParts, problemAnswer } from "./answers.ts";
import { type AuthorizationParts, authorize, type Verdict } from "./authorize.ts";
import type { DecisionProxies } from "./decision-proxies.ts";
import { errorPageEvent, refusalEvent, unreadableEvent } from "./error-page-events.ts";
import type { ApplicationRequest } from "./forwarding.ts";
import { type HandOverReason, handedOver, isOwnAnswer, whyHandOver } from "./hand-over.ts";
import { allowedHeaders, refusedAnswer } from "./lent-decision.ts";
import { observeDecision } from "./observe-requests.ts";
import { readOriginalRequest, readPlace } from "./original-request.ts";
import { badQuestion, noApplication, type Problem, unreadable } from "./problems.ts";
import { type ReadingRules, type ReadRequest, readRequest } from "./read-request.ts";
import { refusalAnswer } from "./refusal-answers.ts";
import { recordWhenEnded, requestRefusedEvent } from "./request-events.ts";

/** What decisions are lent with. */
export interface ForwardAuthParts extends AuthorizationParts, Omit<AnswerParts, "tokens"> {
  catalogs: CatalogSource;
  proxies: DecisionProxies;
  /** those of the public listener, with the proxies among the trusted ones */
  rules: ReadingRules;
  /** whether decisions that let a request pass are recorded too */
  logRequests: boolean;
  /** whether each request gets a row of the access log */
  keepsDecisions: boolean;
  metrics: GatewayMetrics | undefined;
  record: RecordEvent;
}

/** Answers one question of a proxy. */
export function answerForwardAuth(parts: ForwardAuthParts, exchange: Exchange): void {
  // 1. Who asks, and in which dialect.
  const question = exchange.head;
  const catalog = parts.catalogs.current();
  const place = readPlace(question.target);
  if (place === undefined || !parts.proxies.mayAsk(question.peer, place.dialect)) {
    answerStranger(parts, exchange);
    return;
  }

  // 2. About which request.
  const scheme = catalog.issuer.startsWith("https:") ? "https" : "http";
  const original = readOriginalRequest(place, question, scheme);
  if (!original.ok) {
    answerBadQuestion(parts, exchange, catalog, original.detail);
    return;
  }
  const reading = readRequest(parts.rules, original.head, catalog);
  if (!reading.ok) {
    const problem = unreadable[reading.fault];
    parts.record(unreadableEvent(original.head, reading, problem.status));
    sendAnswer(exchange, reading, problemAnswer(parts, { catalog, ...reading }, problem));
    return;
  }

  // 3. What the proxy cannot carry out.
  const { match } = reading.facts;
  if (isOwnAnswer(reading, catalog)) {
    handOver(parts, exchange, reading, "own_answer");
    return;
  }
  if (match === undefined) {
    refuse(parts, exchange, reading, noApplication);
    return;
  }
  const reason = whyHandOver(parts.tokens, reading, match.application, original.head.target);
  if (reason !== undefined) {
    handOver(parts, exchange, reading, reason);
    return;
  }

  // 4. The decision.
  const request: ApplicationRequest = { exchange, reading, match };
  const verdict = authorize(parts, reading, match.application);
  if (!(verdict instanceof Promise)) {
    carryOut(parts, request, verdict);
    return;
  }
  verdict
    .then((late) => carryOut(parts, request, late))
    .catch((error: unknown) => answerOwnFault(parts, request, error));
}

function carryOut(parts: ForwardAuthParts, request: ApplicationRequest, verdict: Verdict): void {
  const { exchange, reading } = request;
  switch (verdict.kind) {
    case "forward": {
      const { response } = exchange;
      if (response.closed) return;
      observeDecision(parts, request, verdict);
      if (parts.logRequests) recordWhenEnded(parts.record, request, verdict.asker);
      response.start({ status: 200, rawHeaders: allowedHeaders(reading, verdict.identity) });
      response.end();
      break;
    }
    case "token_holds":
    case "describe":
    case "preflight":
      handOver(parts, exchange, reading, "own_answer");
      break;
    default: {
      observeDecision(parts, request, verdict);
      parts.record(requestRefusedEvent(request, verdict));
      const asksForRedirect = valuesOf(reading.rawHeaders, "x-access-login").includes("redirect");
      const answer = refusalAnswer(parts, request, verdict);
      sendAnswer(exchange, reading, refusedAnswer(answer, asksForRedirect));
    }
  }
}

/** A peer without an entry learns nothing: there is no such address. */
function answerStranger({ rules }: ForwardAuthParts, exchange: Exchange): void {
  const answered = { headers: readHeaders(exchange.head.rawHeaders), rayId: rules.rayIds.next() };
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };
  sendAnswer(exchange, answered, { status: 404, headers, body: "Not found.\n" });
}

/** Nobody can tell which request the proxy means (case P10). @param detail for the log */
function answerBadQuestion(
  parts: ForwardAuthParts,
  exchange: Exchange,
  catalog: Catalog,
  detail: string,
): void {
  const { method, target, peer, rawHeaders } = exchange.head;
  const { status, error, message } = badQuestion;
  const rayId = parts.rules.rayIds.next();
  const reason = `${error}: ${detail}`;
  parts.record(refusalEvent(rayId, { status, phrase: "", reason, message, method, target, peer }));
  const answered = { headers: readHeaders(rawHeaders), rayId };
  sendAnswer(exchange, answered, problemAnswer(parts, { catalog, ...answered }, badQuestion));
}

/** What is everyday life at the gateway itself has no line in the log. */
function handOver(
  parts: ForwardAuthParts,
  exchange: Exchange,
  reading: ReadRequest,
  reason: HandOverReason,
): void {
  const problem = handedOver(reason);
  if (reason === "own_answer") sendRefusal(parts, exchange, reading, problem);
  else refuse(parts, exchange, reading, problem);
}

function refuse(
  parts: ForwardAuthParts,
  exchange: Exchange,
  reading: ReadRequest,
  problem: Problem,
): void {
  parts.record(errorPageEvent(reading.facts, problem));
  sendRefusal(parts, exchange, reading, problem);
}

function sendRefusal(
  parts: ForwardAuthParts,
  exchange: Exchange,
  reading: ReadRequest,
  problem: Problem,
): void {
  const to = { catalog: reading.facts.catalog, ...reading };
  sendAnswer(exchange, reading, problemAnswer(parts, to, problem));
}
