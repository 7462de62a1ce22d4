// Policies that load and hardly do what was meant (configuration.md): those that let in the whole
// world, and rules that can never hold under the decision they stand in (access-features 4.2).
import type { Group, Policy, PolicyAction, Rule } from "../model/model.ts";
import type { FieldPath } from "./document.ts";
import type { Report } from "./report.ts";

/** What a policy is judged against. */
export interface PolicyWorld {
  /** by id */
  groups: ReadonlyMap<string, Group>;
  /** ids of the providers that mail a one-time PIN to any address */
  pinProviders: ReadonlySet<string>;
}

const ofPeople: ReadonlySet<string> = new Set(["email", "email_domain", "login_method", "oidc"]);
const ofPrograms: ReadonlySet<string> = new Set(["service_token", "any_valid_service_token"]);

export function warnAboutPolicy(
  policy: Policy,
  path: FieldPath,
  world: PolicyWorld,
  report: Report,
): void {
  for (const part of ["include", "require"] as const) {
    policy[part].forEach((rule, index) => {
      const kind = Object.keys(rule)[0] ?? "";
      const why = neverHolds(policy.decision, kind);
      if (why !== undefined) report.warning([...path, part, index], why);
    });
  }
  if (policy.decision !== "allow") return;
  policy.include.forEach((rule, index) => {
    const why = letsInTheWorld(rule, world, new Set());
    if (why !== undefined) report.warning([...path, "include", index], why);
  });
}

function neverHolds(decision: PolicyAction, kind: string): string | undefined {
  switch (decision) {
    case "allow":
      return ofPrograms.has(kind)
        ? "lets no service token in: an allow policy asks for a sign-in; write decision: non_identity"
        : undefined;
    case "deny":
      return ofPrograms.has(kind)
        ? "stops no service token: non_identity policies run first; put it into their exclude"
        : undefined;
    case "bypass":
      return ofPeople.has(kind) || ofPrograms.has(kind)
        ? "never holds: a bypass policy does not ask who it is; write decision: allow, or non_identity for service tokens"
        : undefined;
    case "non_identity":
      return ofPeople.has(kind)
        ? "never holds: a non_identity policy is for service tokens; write decision: allow for people"
        : undefined;
  }
}

/** Also through groups. */
function letsInTheWorld(rule: Rule, world: PolicyWorld, seen: Set<string>): string | undefined {
  if (Object.hasOwn(rule, "everyone"))
    return "lets in everybody who can sign in; name addresses, domains or groups, unless that is meant";
  const provider = idIn(rule["login_method"]);
  if (provider !== undefined && world.pinProviders.has(provider)) {
    return "lets in every e-mail address in the world: a PIN is mailed to any of them; name addresses or domains, unless that is meant";
  }
  const group = world.groups.get(idIn(rule["group"]) ?? "");
  if (group === undefined || seen.has(group.id)) return undefined;
  seen.add(group.id);
  for (const inner of group.include) {
    const why = letsInTheWorld(inner, world, seen);
    if (why !== undefined) return why;
  }
  return undefined;
}

function idIn(value: unknown): string | undefined {
  return (value as { id?: string } | undefined)?.id;
}
