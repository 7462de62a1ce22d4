// What several rules say together. A rule has four answers, not two (model/rules/rule.ts): somebody
// who has not signed in yet may turn out to match, and what cannot be judged lets nobody in.
import type { GroupLookup, Match, Matcher, Rule } from "../model/rules/rule.ts";
import { knownRule } from "../model/rules/rule-kinds.ts";
import type { RuleSet } from "../model/rules/rule-set.ts";

/** The answer where nothing can be judged. */
export const cannotJudge: Matcher = () => "unknown";

/** How good an answer is for whoever asks. */
const rank: Record<Match, number> = { no: 0, unknown: 1, after_login: 2, yes: 3 };

/**
 * include: one of them; require: all of them; exclude: none of them (access-features 4.2). The
 * policy is as good for somebody as the worst of these three.
 */
export function compileRuleSet(set: RuleSet, groups: GroupLookup): Matcher {
  const compile = (rule: Rule) => compileRule(rule, groups);
  const excluded = set.exclude.map(compile);
  return worstOf([
    bestOf(set.include.map(compile)),
    ...set.require.map(compile),
    ...excluded.map(opposite),
  ]);
}

/** A rule that is not exactly one known kind with a valid value cannot be judged. */
function compileRule(rule: Rule, groups: GroupLookup): Matcher {
  const { kind, value } = knownRule(rule) ?? {};
  const result = kind?.schema.safeParse(value);
  if (kind === undefined || result?.success !== true) return cannotJudge;
  return kind.compile(result.data, groups);
}

/** The best answer of any; `no` where there is none. */
function bestOf(matchers: readonly Matcher[]): Matcher {
  return (subject) => {
    let best: Match = "no";
    for (const match of matchers) {
      const answer = match(subject);
      if (answer === "yes") return answer;
      if (rank[answer] > rank[best]) best = answer;
    }
    return best;
  };
}

/** The worst answer of all; `yes` where there is none. */
function worstOf(matchers: readonly Matcher[]): Matcher {
  return (subject) => {
    let worst: Match = "yes";
    for (const match of matchers) {
      const answer = match(subject);
      if (answer === "no") return answer;
      if (rank[answer] < rank[worst]) worst = answer;
    }
    return worst;
  };
}

/** Turns yes and no round. What is pending or cannot be judged stays so. */
function opposite(match: Matcher): Matcher {
  return (subject) => {
    const answer = match(subject);
    if (answer === "yes") return "no";
    return answer === "no" ? "yes" : answer;
  };
}
