import { type Explanation, missingFacts, type RuleExplanation } from "../policy/explain.ts";
import type { ObjectNames } from "../policy/object-names.ts";
import { outcomeOf, whyText } from "../policy/reason-text.ts";
import { ruleText } from "../policy/rule-text.ts";
import type { PolicyWarnings } from "./policy-warnings.ts";

/** An explanation for programs: whatever is known of it, and each rule in words beside its ids. */
export function explanationData(
  explanation: Explanation,
  names: ObjectNames,
  warnings?: PolicyWarnings,
): object {
  const { result } = explanation;
  return {
    outcome: outcomeOf(explanation),
    why: whyText(explanation, names),
    missing: result.isDecided ? [] : missingFacts(result.missing),
    policies: policyData(explanation, names, warnings),
  };
}

/** The policies of an explanation alone. */
export function policyData(
  { policies }: Explanation,
  names: ObjectNames,
  warnings?: PolicyWarnings,
): object[] {
  return policies.map((policy) => ({
    ...policy,
    rules: withTexts(policy.rules, names),
    ...(warnings === undefined ? {} : { warnings: warnings.get(policy.id) ?? [] }),
  }));
}

function withTexts(rules: readonly RuleExplanation[], names: ObjectNames): object[] {
  return rules.map(({ group, ...rule }) => ({
    ...rule,
    text: ruleText(rule.rule, names),
    ...(group === undefined ? {} : { group: withTexts(group, names) }),
  }));
}
