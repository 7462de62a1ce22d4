// What the access log, metrics and traces hear of a request: its verdict at once, and its row when
// the answer has ended, made of references that the request had anyway. Nothing here changes what a
// request gets, and where nobody listens nothing is done.
import { circumstancesOf } from "../catalog/circumstances.ts";
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
  if (!keepsDecisions) return;
  const keep = (status?: number) =>
    listeners.record({ event: "access_decided", ...accessEventOf(request, verdict, status) });
  // A tunnel may stand open for days, and whoever is within should be seen before its end.
  if (request.exchange.upgrade !== undefined) keep();
  else whenEnded(request.exchange.response, keep);
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
  { reading, match }: ApplicationRequest,
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
    ...askerFields(verdict.authentication),
    policy: policyOf(verdict),
    request: { method, host, path },
    status,
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
  const { reason, fault } = verdict.grounds;
  return reason ?? fault ?? (verdict.kind === "sign_in" ? undefined : verdict.kind);
}

type AskerFields = Pick<
  AccessEvent,
  "person" | "provider" | "country" | "hasSession" | "isProgram" | "serviceToken" | "isAnybodys"
>;

function askerFields(authentication: DecidedVerdict["authentication"]): AskerFields {
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
    default:
      return { isAnybodys: true };
  }
}
