import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, Decision } from "../model/model.ts";
import { evaluate, policiesWithoutAnswer } from "../policy/evaluate.ts";
import type { StoredSession } from "../storage/store.ts";

/** The decisions that let somebody in. */
export type Admission = Extract<Decision, { outcome: "allow" | "bypass" }>;

/**
 * What policy says about a person at an application, with the identity of that login and the
 * address of this request.
 */
export function decideFor(
  facts: RequestFacts,
  application: Application,
  session: StoredSession,
): Decision {
  return evaluate({ application, ...subjectOf(facts, session) });
}

/** Names of the policies that cannot be judged for a person, for the log. */
export function unjudgedPolicies(
  facts: RequestFacts,
  application: Application,
  session: StoredSession,
): string[] {
  return policiesWithoutAnswer({ application, ...subjectOf(facts, session) });
}

function subjectOf({ clientIp }: RequestFacts, { identity }: StoredSession) {
  return { principal: { kind: "person" as const, identity }, ip: clientIp };
}

/** Whether the person may enter. What is not plainly allowed is denied (case C6). */
export function admits(decision: Decision): decision is Admission {
  return decision.outcome === "allow" || decision.outcome === "bypass";
}
