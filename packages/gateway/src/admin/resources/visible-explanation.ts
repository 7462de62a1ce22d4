// How much of an explanation a token may read: what stands in a group is not for whoever may read
// applications alone, as at /access/groups.
import type { Explanation } from "../../policy/explain.ts";
import { permits } from "../permissions.ts";
import type { AdminToken } from "../tokens/admin-tokens.ts";

/** The explanation, without the rules of groups where the token may not read them. */
export function visibleExplanation(
  explanation: Explanation,
  { applications, permissions }: Pick<AdminToken, "applications" | "permissions">,
): Explanation {
  if (applications === null && permits(permissions, "organizations:read")) return explanation;
  const policies = explanation.policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map(({ group: _, ...rule }) => rule),
  }));
  return { ...explanation, policies };
}
