import { circumstancesWithout } from "../catalog/circumstances.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, Decision } from "../model/model.ts";
import type { MissingRequest, Subject } from "../model/rules/rule.ts";
import { sessionLength } from "../model/session-length.ts";
import { evaluate, policiesWithoutAnswer } from "../policy/evaluate.ts";
import type { StoredSession } from "../storage/store.ts";

/** The decisions that let somebody in. */
export type Admission = Extract<Decision, { outcome: "allow" | "bypass" }>;

/**
 * What policy says about a person at an application, with the identity of that login and the
 * address of this request.
 * @param request default: each of their requests to the application is judged again
 */
export function decideFor(
  facts: RequestFacts,
  application: Application,
  session: StoredSession,
  request: MissingRequest = "awaited",
): Decision {
  return evaluate({ application, ...subjectOf(facts, application, session, request) });
}

/** Names of the policies that cannot be judged for a person, for the log. */
export function unjudgedPolicies(
  facts: RequestFacts,
  application: Application,
  session: StoredSession,
): string[] {
  return policiesWithoutAnswer({
    application,
    ...subjectOf(facts, application, session, "awaited"),
  });
}

function subjectOf(
  facts: RequestFacts,
  application: Application,
  { identity }: StoredSession,
  request: MissingRequest,
): Subject {
  const circumstances = circumstancesWithout(facts, application, request);
  return { principal: { kind: "person", identity }, ...circumstances };
}

/**
 * How long the token lasts that somebody gets by this decision, milliseconds: by the policy that
 * lets them in, or the application. Where several may, by the shortest.
 */
export function tokenLifetime(application: Application, admission: Admission): number {
  const others = admission.outcome === "allow" ? (admission.others ?? []) : [];
  const durations = [admission.policy, ...others].map(
    ({ session_duration = application.session_duration }) => sessionLength(session_duration),
  );
  return Math.min(...durations);
}

/** Whether the person may enter. What is not plainly allowed is denied (case C6). */
export function admits(decision: Decision): decision is Admission {
  return decision.outcome === "allow" || decision.outcome === "bypass";
}
