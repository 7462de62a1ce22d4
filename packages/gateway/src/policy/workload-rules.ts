// By which rules a policy includes programs with tokens of other issuers. Such a token proves
// nothing by itself: everybody can have one of GitHub's. So a workload is let in where one of these
// rules names it, and never by a rule that is about whoever has proved who it is.
import { type Group, groupsIn } from "../model/group.ts";
import type { Policy, WorkloadRule } from "../model/policy.ts";
import { oidcToken, workloadMatcher } from "../model/rules/oidc-token.ts";
import type { Rule } from "../model/rules/rule.ts";

const none: readonly Rule[] = [];

/** The rules in `include`, also of the groups that are included, each once. */
export function workloadRulesIn(
  { decision, include }: Policy,
  groups: ReadonlyMap<string, Group>,
): readonly WorkloadRule[] {
  if (decision !== "non_identity") return [];
  const rules: WorkloadRule[] = [];
  const seen = new Set<string>();
  const open: (readonly Rule[])[] = [include];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    rules.push(...next.flatMap(workloadRule));
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
