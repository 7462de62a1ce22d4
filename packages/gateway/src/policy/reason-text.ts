// An explanation in a few words, for people: which policy decided and by which rule, or of each
// policy why it did not match.
import type { Decision } from "../model/model.ts";
import type { FactMatch } from "./decide-by-facts.ts";
import {
  type Explanation,
  missingFacts,
  type PolicyExplanation,
  type RuleExplanation,
} from "./explain.ts";
import { nameWithId, type ObjectNames } from "./object-names.ts";
import { ruleText } from "./rule-text.ts";

/** Policies of which it is said why they did not match. */
const mostReasons = 3;

/** The answer in one word; `undecided` where facts are missing. */
export function outcomeOf({ result }: Explanation): Decision["outcome"] | "undecided" {
  return result.isDecided ? result.decision.outcome : "undecided";
}

/** Why the answer is what it is. */
export function whyText(explanation: Explanation, names: ObjectNames): string {
  const { result, policies } = explanation;
  if (!result.isDecided) return `it depends on ${missingFacts(result.missing).join(", ")}`;
  const decider = policies.find(({ effect }) => effect === "decides");
  if (decider !== undefined) return decidedText(decider, names);
  // That a deny does not match is no reason for anything.
  const asked = policies.filter(
    ({ effect, action }) => effect === "passed_over" && action !== "deny",
  );
  if (asked.length === 0) return "no policy is about such an asker";
  const reasons = asked
    .slice(0, mostReasons)
    .map((each) => `${nameWithId(each.name, each.id)} ${mismatchText(each, names)}`);
  const more =
    asked.length > mostReasons ? [`${asked.length - mostReasons} more do not match`] : [];
  return ["no policy matches", [...reasons, ...more].join("; ")].join(": ");
}

function decidedText({ name, id, rules }: PolicyExplanation, names: ObjectNames): string {
  const rule = rules.find(({ list, match }) => list === "include" && match === "yes");
  const policy = `policy ${nameWithId(name, id)}`;
  return rule === undefined ? policy : `${policy}, by ${ruleText(rule.rule, names)}`;
}

/** Why a policy does not match: the first rule that is in the way. */
export function mismatchText(
  { rules, match }: Pick<PolicyExplanation, "rules" | "match">,
  names: ObjectNames,
): string {
  const hindrance = ({ rule, match: answer, group }: RuleExplanation) => {
    const isOfGroup = group !== undefined && answer === "no";
    const why = isOfGroup
      ? mismatchText({ rules: group, match: answer }, names)
      : answerText(answer);
    return `${ruleText(rule, names)}, which ${why}`;
  };
  if (match === "yes") return "matches";
  if (match === "not_stated") return `depends on ${missingIn(rules).join(", ")}`;
  if (match === "pending") return "matches as soon as there is a sign-in or a request";
  const excluded = rules.find(({ list, match: answer }) => list === "exclude" && answer !== "no");
  if (excluded !== undefined) return `excludes ${hindrance(excluded)}`;
  const required = rules.find(({ list, match: answer }) => list === "require" && answer !== "yes");
  if (required !== undefined) return `requires ${hindrance(required)}`;
  const open = rules.find(({ list, match: answer }) => list === "include" && answer === "unknown");
  if (open !== undefined) return `includes ${hindrance(open)}`;
  const [included, ...others] = rules.filter(({ list }) => list === "include");
  if (included?.group !== undefined && others.length === 0)
    return `includes ${hindrance(included)}`;
  return "includes nothing that holds";
}

/** What rules ask and nobody stated. */
function missingIn(rules: readonly RuleExplanation[]): string[] {
  return [...new Set(rules.flatMap(({ missing }) => missing))];
}

const answers: Readonly<Record<FactMatch, string>> = {
  yes: "holds",
  no: "does not hold",
  pending: "may hold after a sign-in",
  unknown: "cannot be judged",
  not_stated: "not known",
};

/** What a rule answered, in words. */
export function answerText(match: FactMatch): string {
  return answers[match];
}
