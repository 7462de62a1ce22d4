// By which rules a policy includes those whose credentials prove little by themselves: everybody
// can have a token of GitHub's, and any origin of another application holds one of each person who
// uses it. So they are let in where one of these rules names them, and never by a rule that is
// about whoever has proved who it is.
import { type Group, groupsIn } from "../model/group.ts";
import type { Policy, WorkloadRule } from "../model/policy.ts";
import { linkedAppToken } from "../model/rules/linked-app-token.ts";
import { oidcToken, workloadMatcher } from "../model/rules/oidc-token.ts";
import type { Rule } from "../model/rules/rule.ts";

const none: readonly Rule[] = [];

/** The rules about tokens of other issuers, for Service Auth alone. */
export function workloadRulesIn(
  policy: Policy,
  groups: ReadonlyMap<string, Group>,
): readonly WorkloadRule[] {
  if (policy.decision !== "non_identity") return [];
  return includedRules(policy, groups).flatMap(workloadRule);
}

/** The ids of the applications whose tokens the policy takes, be it Service Auth or bypass. */
export function linkedApplicationsIn(
  policy: Policy,
  groups: ReadonlyMap<string, Group>,
): readonly string[] {
  if (policy.decision !== "non_identity" && policy.decision !== "bypass") return [];
  const ids = includedRules(policy, groups).flatMap(linkedApplication);
  return [...new Set(ids)];
}

/** The rules of `include`, and of the groups that are included: each group once. */
function includedRules({ include }: Policy, groups: ReadonlyMap<string, Group>): readonly Rule[] {
  const rules: Rule[] = [];
  const seen = new Set<string>();
  const open: (readonly Rule[])[] = [include];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    rules.push(...next);
    for (const id of groupsIn({ include: [...next], require: [], exclude: [] })) {
      if (seen.has(id)) continue;
      seen.add(id);
      open.push(groups.get(id)?.include ?? none);
    }
  }
  return rules;
}

/** Nothing for a rule of another kind, or one that is damaged: it lets nobody in. */
function workloadRule(rule: Rule): WorkloadRule[] {
  const result = oidcToken.schema.safeParse(rule[oidcToken.name]);
  if (!result.success) return [];
  return [{ rule: result.data, holds: workloadMatcher(result.data) }];
}

function linkedApplication(rule: Rule): string[] {
  const result = linkedAppToken.schema.safeParse(rule[linkedAppToken.name]);
  return result.success ? [result.data.app_uid] : [];
}
