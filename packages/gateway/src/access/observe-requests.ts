// What the access log, metrics and traces hear of a request: its verdict at once, and its row when
// the answer has ended, made of references that the request had anyway. Nothing here changes what a
// request gets, and where nobody listens nothing is done.
import type { Catalog } from "../catalog/catalog.ts";
import { circumstancesOf } from "../catalog/circumstances.ts";
import { valuesOf } from "../http/request-headers.ts";
import type { Application } from "../model/model.ts";
import type { AccessEvent, AccessOutcome, PolicyQuestion } from "../observe/access-event.ts";
import type { RecordEvent } from "../observe/events.ts";
import type { GatewayMetrics } from "../observe/metrics/gateway-metrics.ts";
import type { DecidedVerdict } from "./authorize.ts";
import { principalOf } from "./decision-cache.ts";
import type { ApplicationRequest } from "./forwarding.ts";
import { whenEnded } from "./request-events.ts";
import type { RequestTrace } from "./request-trace.ts";

/** Who hears of requests. */
export interface RequestListeners {
  /** whether each request gets a row of the access log */
  keepsDecisions: boolean;
  metrics: Pick<GatewayMetrics, "decided"> | undefined;
  record: RecordEvent;
}

/** Tells them of a request that was decided on. Call it before the answer begins. */
export function observeDecision(
  listeners: RequestListeners,
  request: ApplicationRequest,
  verdict: DecidedVerdict,
): void {
  const { metrics, keepsDecisions } = listeners;
  const { trace } = request;
  metrics?.decided(request.match.application.name, outcomeOf(verdict));
  if (trace !== undefined) endTrace(trace, request, verdict);
  const isAttempt = isRefusedProgram(verdict);
  if (!keepsDecisions && !isAttempt) return;
  // What is kept where requests are not is kept as sparingly as failed sign-ins.
  const budget = isAttempt && !keepsDecisions ? ({ isAnybodys: true, isAttempt } as const) : {};
  const keep = (status?: number) => {
    const event = { ...accessEventOf(request, verdict, status), ...budget };
    listeners.record({ event: "access_decided", ...event });
  };
  // A tunnel may stand open for days, and whoever is within should be seen before its end.
  if (request.exchange.upgrade !== undefined) keep();
  else whenEnded(request.exchange.response, keep);
}

/**
 * Whether a program was refused whose service token is known: what it showed does not hold, or does
 * and is not allowed here. That is always kept (access-features 13).
 */
function isRefusedProgram({ kind, authentication }: DecidedVerdict): boolean {
  if (kind === "forward") return false;
  if (authentication?.kind === "service") return true;
  return authentication?.kind === "refused" && authentication.clientId !== undefined;
}

function endTrace(trace: RequestTrace, request: ApplicationRequest, verdict: DecidedVerdict): void {
  const { exchange, reading, match } = request;
  const { name: application } = match.application;
  const judgement = { application, outcome: outcomeOf(verdict), policy: policyOf(verdict)?.name };
  trace.decided();
  whenEnded(exchange.response, (status) => trace.ended(reading.facts, judgement, status));
}

/** The policy that decided. */
function policyOf({ decision }: DecidedVerdict) {
  return decision !== undefined && "policy" in decision ? decision.policy : undefined;
}

/** What became of a request, in the words of the access log. */
function outcomeOf(verdict: DecidedVerdict): AccessOutcome {
  switch (verdict.kind) {
    case "forward":
      return verdict.decision?.outcome === "allow" ? "allow" : "bypass";
    case "sign_in":
      return "login";
    default:
      return "deny";
  }
}

function accessEventOf(
  { exchange, reading, match }: ApplicationRequest,
  verdict: DecidedVerdict,
  status: number | undefined,
): AccessEvent {
  const { rayId: ray, clientIp: ip, method, authority: host, path } = reading.facts;
  return {
    action: "request",
    ray,
    ip,
    outcome: outcomeOf(verdict),
    reason: reasonOf(verdict),
    application: match.application,
    ...askerFields(verdict.authentication, reading.facts.catalog),
    policy: policyOf(verdict),
    request: { method, host, path },
    status,
    userAgent: valuesOf(exchange.head.rawHeaders, "user-agent")[0],
    question: questionOf(reading, match.application, verdict),
  };
}

/** What policy was asked; undefined where a credential alone decided. */
function questionOf(
  { facts }: ApplicationRequest["reading"],
  application: Application,
  { authentication, decision }: DecidedVerdict,
): PolicyQuestion | undefined {
  if (authentication === undefined || decision === undefined) return undefined;
  const subject = () => ({
    principal: principalOf(authentication),
    ...circumstancesOf(facts, application),
  });
  return { application, subject, decision };
}

/** The most precise word that there is. */
function reasonOf(verdict: DecidedVerdict): string | undefined {
  if (verdict.kind === "forward") return undefined;
  const { reason, fault, cause } = verdict.grounds;
  return cause ?? reason ?? fault ?? (verdict.kind === "sign_in" ? undefined : verdict.kind);
}

type AskerFields = Pick<
  AccessEvent,
  "person" | "provider" | "country" | "hasSession" | "isProgram" | "serviceToken" | "isAnybodys"
>;

function askerFields(
  authentication: DecidedVerdict["authentication"],
  { serviceTokenByClientId }: Catalog,
): AskerFields {
  switch (authentication?.kind) {
    case "person":
    case "outside": {
      const { identity, user_id: user } = authentication.session;
      const { email, idp, country } = identity;
      return { person: { email, user }, provider: idp, country, hasSession: true };
    }
    case "service":
      return { isProgram: true, serviceToken: authentication.serviceToken.id };
    case "workload":
      return { isProgram: true };
    case "refused": {
      const meant = serviceTokenByClientId.get(authentication.clientId ?? "");
      if (meant === undefined) return { isAnybodys: true };
      return { isProgram: true, serviceToken: meant.id, isAnybodys: true };
    }
    default:
      return { isAnybodys: true };
  }
}
