// What policy says of a request: pure, and the same for HTTP and for every later way in. Order as
// in Cloudflare Access (access-features 4.2): bypass and Service Auth first, then allow and deny,
// each in listed order; the first match ends it, and nobody matched by nothing is let in.
import type { Application, Decision, Group, Policy, Principal } from "../model/model.ts";
import { type Match, matchRuleSet } from "./rules.ts";

export interface EvaluationInput {
  application: Application;
  /** by id */
  groups: ReadonlyMap<string, Group>;
  principal: Principal;
  /** the client's address, canonical text */
  ip: string;
}

const anonymous: Principal = { kind: "anonymous" };

/** Decides. Never throws: what cannot be judged counts against the asker. */
export function evaluate({ application, groups, principal, ip }: EvaluationInput): Decision {
  const match = (policy: Policy, as: Principal): Match =>
    matchRuleSet(policy, { principal: as, ip, groups });

  for (const policy of application.policies) {
    // Bypass is for whoever asks: who they are neither helps nor hinders.
    if (policy.decision === "bypass" && match(policy, anonymous) === "yes")
      return { outcome: "bypass", policy };
    // Service Auth is for programs that proved who they are.
    if (
      policy.decision === "non_identity" &&
      principal.kind === "service" &&
      match(policy, principal) === "yes"
    ) {
      return { outcome: "allow", policy };
    }
  }
  if (principal.kind === "service") return { outcome: "deny", reason: "no_policy_matched" };

  for (const policy of application.policies) {
    const matched =
      policy.decision === "allow" || policy.decision === "deny" ? match(policy, principal) : "no";
    if (policy.decision === "allow") {
      if (principal.kind === "person" && matched === "yes") return { outcome: "allow", policy };
      if (principal.kind === "anonymous" && (matched === "yes" || matched === "after_login"))
        return { outcome: "login" };
    }
    // A deny that cannot be judged denies.
    if (policy.decision === "deny" && (matched === "yes" || matched === "unknown"))
      return { outcome: "deny", reason: "policy", policy };
  }
  return { outcome: "deny", reason: "no_policy_matched" };
}
