// What policy says of a request: pure, and the same for HTTP and for every later way in. Order as
// in Cloudflare Access (access-features 4.2): bypass and Service Auth first, then allow and deny,
// each in listed order. The first match ends it, and whoever matches nothing stays outside.
import type { Application, CompiledPolicy, Decision, Principal } from "../model/model.ts";
import type { Subject } from "../model/rules/rule.ts";

/** Everything that a decision depends on. */
export interface EvaluationInput {
  application: Pick<Application, "policies">;
  principal: Principal;
  /** the client's address, canonical text */
  ip: string;
}

const anonymous: Principal = { kind: "anonymous" };

/** Decides. Never throws: what cannot be judged counts against whoever asks. */
export function evaluate({ application, principal, ip }: EvaluationInput): Decision {
  const { policies } = application;
  const passed = passWithoutSignIn(policies, { principal, ip });
  if (passed !== undefined) return passed;
  // A program is never asked to sign in.
  if (isProgram(principal)) return { outcome: "deny", reason: "no_policy_matched" };
  return judgePerson(policies, { principal, ip });
}

/**
 * Names of the policies that cannot be judged, because an identity provider left a claim out for
 * example: the reason why somebody is denied whom a policy is about.
 */
export function policiesWithoutAnswer({ application, principal, ip }: EvaluationInput): string[] {
  const unjudged = application.policies.filter(
    ({ matches }) => matches({ principal, ip }) === "unknown",
  );
  return unjudged.map(({ name }) => name);
}

/** The policies of the first pass; undefined when none of them fits. */
function passWithoutSignIn(
  policies: readonly CompiledPolicy[],
  subject: Subject,
): Decision | undefined {
  const anybody: Subject = { principal: anonymous, ip: subject.ip };
  for (const policy of policies) {
    // Bypass is for whoever asks: who they are neither helps nor hinders.
    if (policy.decision === "bypass" && policy.matches(anybody) === "yes")
      return { outcome: "bypass", policy };
    // Service Auth is for programs that proved who they are.
    const isForPrograms = policy.decision === "non_identity";
    if (isForPrograms && admitsProgram(policy, subject)) return { outcome: "allow", policy };
  }
  return undefined;
}

function isProgram({ kind }: Principal): boolean {
  return kind === "service" || kind === "workload";
}

/** A workload must be named as well: its issuer gives a token to anybody (workload-rules.ts). */
function admitsProgram({ matches, workloads }: CompiledPolicy, subject: Subject): boolean {
  const { principal } = subject;
  if (!isProgram(principal) || matches(subject) !== "yes") return false;
  if (principal.kind !== "workload") return true;
  return workloads.some(({ holds }) => holds(principal.workload));
}

function judgePerson(policies: readonly CompiledPolicy[], subject: Subject): Decision {
  const isSignedIn = subject.principal.kind === "person";
  for (const policy of policies) {
    if (policy.decision !== "allow" && policy.decision !== "deny") continue;
    const match = policy.matches(subject);
    if (policy.decision === "deny") {
      // A deny that cannot be judged denies.
      if (match === "yes" || match === "unknown")
        return { outcome: "deny", reason: "policy", policy };
      continue;
    }
    if (match === "yes" && isSignedIn) return { outcome: "allow", policy };
    if (!isSignedIn && (match === "yes" || match === "after_login")) return { outcome: "login" };
  }
  return { outcome: "deny", reason: "no_policy_matched" };
}
