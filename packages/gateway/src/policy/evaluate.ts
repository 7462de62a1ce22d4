// What policy says of a request, or of somebody who signs in: pure, and the same for HTTP and for
// every later way in. Order as in Cloudflare Access (access-features 4.2): bypass and Service Auth
// first, then allow and deny, each in listed order. The first match ends it, and whoever matches
// nothing stays outside.
import type { Application, CompiledPolicy, Decision, Policy, Principal } from "../model/model.ts";
import type { Subject } from "../model/rules/rule.ts";

/** Everything that a decision depends on. */
export interface EvaluationInput extends Subject {
  application: Pick<Application, "policies">;
}

const anonymous: Principal = { kind: "anonymous" };

/** Decides. Never throws: what cannot be judged counts against whoever asks. */
export function evaluate(input: EvaluationInput): Decision {
  const { policies } = input.application;
  // Nothing is copied: this is asked for every request that no cache answers.
  const subject: Subject = input;
  const passed = passWithoutSignIn(policies, subject);
  if (passed !== undefined) return passed;
  // A program is never asked to sign in.
  if (isProgram(subject.principal)) return { outcome: "deny", reason: "no_policy_matched" };
  return judgePerson(policies, subject);
}

/**
 * Names of the policies that cannot be judged, because an identity provider left a claim out for
 * example: the reason why somebody is denied whom a policy is about.
 */
export function policiesWithoutAnswer(input: EvaluationInput): string[] {
  const unjudged = input.application.policies.filter(({ matches }) => matches(input) === "unknown");
  return unjudged.map(({ name }) => name);
}

/** The policies of the first pass; undefined when none of them fits. */
function passWithoutSignIn(
  policies: readonly CompiledPolicy[],
  subject: Subject,
): Decision | undefined {
  for (const policy of policies) {
    const isBypass = policy.decision === "bypass";
    if (!isBypass && policy.decision !== "non_identity") continue;
    // Bypass is for whoever asks: who they are does not hinder.
    if (isBypass && policy.matches(withNobody(subject)) === "yes")
      return { outcome: "bypass", policy };
    if (!admitsProgram(policy, subject)) continue;
    if (isBypass) return { outcome: "bypass", policy, byCredential: true };
    return { outcome: "allow", policy };
  }
  return undefined;
}

function withNobody({ ip, country, request }: Subject): Subject {
  return { principal: anonymous, ip, country, request };
}

/** Whether they proved who they are without a sign-in of theirs. */
function isProgram({ kind }: Principal): boolean {
  return kind === "service" || kind === "workload" || kind === "linked";
}

/**
 * A workload must be named as well: its issuer gives a token to anybody. So must be the application
 * whose token somebody shows (included-rules.ts).
 */
function admitsProgram(policy: CompiledPolicy, subject: Subject): boolean {
  const { principal } = subject;
  if (!isProgram(principal) || policy.matches(subject) !== "yes") return false;
  switch (principal.kind) {
    case "workload":
      return policy.workloads.some(({ holds }) => holds(principal.workload));
    case "linked":
      return policy.linkedApplications.includes(principal.application.id);
    default:
      return true;
  }
}

/**
 * Whoever may turn out to match is asked to sign in. Who has done so, and may turn out to match
 * once they ask for something, is let in: each of their requests is judged again.
 */
function judgePerson(policies: readonly CompiledPolicy[], subject: Subject): Decision {
  const isSignedIn = subject.principal.kind === "person";
  const admitting: Policy[] = [];
  for (const policy of policies) {
    if (policy.decision !== "allow" && policy.decision !== "deny") continue;
    const match = policy.matches(subject);
    if (policy.decision === "deny") {
      // A deny that cannot be judged denies.
      if (match !== "yes" && match !== "unknown") continue;
      if (admitting.length === 0) return { outcome: "deny", reason: "policy", policy };
      break;
    }
    if (match !== "yes" && match !== "pending") continue;
    if (!isSignedIn) return { outcome: "login" };
    admitting.push(policy);
    if (match === "yes") break;
  }
  const [policy, ...others] = admitting;
  if (policy === undefined) return { outcome: "deny", reason: "no_policy_matched" };
  return others.length === 0 ? { outcome: "allow", policy } : { outcome: "allow", policy, others };
}
