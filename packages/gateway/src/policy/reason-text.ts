// An explanation in a few words, for people: which policy decided and by which rule, or of each
// policy why it did not match.
import type { Decision } from "../model/model.ts";
import type { Atom } from "../model/rules/atom.ts";
import type { FactMatch } from "./decide-by-facts.ts";
import { textOf } from "./decision-record.ts";
import type { Explanation, PolicyExplanation, RuleExplanation } from "./explain.ts";
import { factNames } from "./facts.ts";

/** Policies of which it is said why they did not match. */
const mostReasons = 3;

/** The answer in one word; `undecided` where facts are missing. */
export function outcomeOf({ result }: Explanation): Decision["outcome"] | "undecided" {
  return result.isDecided ? result.decision.outcome : "undecided";
}

/** Why the answer is what it is. */
export function whyText(explanation: Explanation): string {
  const { result, policies } = explanation;
  if (!result.isDecided) return `it depends on ${missingFacts(result.missing).join(", ")}`;
  const decider = policies.find(({ effect }) => effect === "decides");
  if (decider !== undefined) return decidedText(decider);
  const asked = policies.filter(({ effect }) => effect === "passed_over");
  if (asked.length === 0) return "no policy is about such an asker";
  const reasons = asked.slice(0, mostReasons).map((each) => `"${each.name}" ${mismatchText(each)}`);
  const more =
    asked.length > mostReasons ? [`${asked.length - mostReasons} more do not match`] : [];
  return ["no policy matches", [...reasons, ...more].join(", ")].join(": ");
}

function decidedText({ name, rules }: PolicyExplanation): string {
  const rule = rules.find(({ list, match }) => list === "include" && match === "yes");
  return rule === undefined ? `policy "${name}"` : `policy "${name}", by ${textOf(rule.rule)}`;
}

/** Why a policy does not match: the first rule that is in the way. */
export function mismatchText({ rules, match }: PolicyExplanation): string {
  if (match === "yes") return "matches";
  if (match === "pending") return "matches as soon as there is a sign-in or a request";
  const excluded = rules.find(({ list, match: answer }) => list === "exclude" && answer !== "no");
  if (excluded !== undefined) return `excludes ${hindrance(excluded)}`;
  const required = rules.find(({ list, match: answer }) => list === "require" && answer !== "yes");
  if (required !== undefined) return `requires ${hindrance(required)}`;
  const open = rules.find(({ list, match: answer }) => list === "include" && answer === "unknown");
  if (open !== undefined) return `includes ${hindrance(open)}`;
  return "includes nothing that holds";
}

function hindrance({ rule, match }: RuleExplanation): string {
  return `${textOf(rule)}, ${answerText(match)}`;
}

const answers: Readonly<Record<FactMatch, string>> = {
  yes: "which holds",
  no: "which does not hold",
  pending: "which holds after a sign-in, perhaps",
  unknown: "which cannot be judged",
  not_stated: "of which nothing is stated",
};

/** What a rule answered, in words. */
export function answerText(match: FactMatch): string {
  return answers[match];
}

/** What has to be known: `email`, `claims.groups`, `ip`. */
export function missingFacts(atoms: readonly Atom[]): string[] {
  const names = atoms.flatMap((atom) =>
    factNames(atom).map((name) => {
      if (name === "claims" && atom.of === "claim") return `claims.${atom.name}`;
      return name === "request" ? atom.of : name;
    }),
  );
  return [...new Set(names)];
}
