// An explanation as lines for people: the answer, why, and then each policy with its rules.

import { textOf } from "../policy/decision-record.ts";
import type { Explanation, PolicyExplanation, RuleExplanation } from "../policy/explain.ts";
import { answerText, mismatchText, outcomeOf, whyText } from "../policy/reason-text.ts";

/** The lines. @param about who asks for what */
export function explanationLines(about: string, explanation: Explanation): string[] {
  return [
    `${about}: ${outcomeOf(explanation)}`,
    `Why: ${whyText(explanation)}`,
    ...explanation.policies.flatMap((policy) => ["", ...policyLines(policy)]),
  ];
}

function policyLines(policy: PolicyExplanation): string[] {
  const { name, action, rules } = policy;
  return [`Policy "${name}" (${action}): ${effectText(policy)}`, ...ruleLines(rules, "  ")];
}

function effectText(policy: PolicyExplanation): string {
  switch (policy.effect) {
    case "decides":
      return "decides";
    case "not_reached":
      return "is not reached";
    case "not_for_asker":
      return policy.action === "non_identity" ? "is for programs" : "is for people";
    case "passed_over":
      return mismatchText(policy);
  }
}

function ruleLines(rules: readonly RuleExplanation[], indent: string): string[] {
  return rules.flatMap(({ list, rule, match, facts, group }) => {
    const values = Object.entries(facts).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    const known = values.length === 0 ? "" : ` (${values.join(", ")})`;
    const line = `${indent}${list} ${textOf(rule)}: ${answerWord(match)}${known}`;
    return group === undefined ? [line] : [line, ...ruleLines(group, `${indent}  `)];
  });
}

function answerWord(match: RuleExplanation["match"]): string {
  return answerText(match).replace(/^which /, "");
}
