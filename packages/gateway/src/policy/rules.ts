// What several rules say together. A rule has four answers, not two (model/rules/rule.ts): somebody
// who has not signed in yet may turn out to match, and what cannot be judged lets nobody in.

import type { CompiledList } from "../model/list-values.ts";
import {
  type Atom,
  type NamedFacts,
  namedBy,
  namedByAny,
  namesNothing,
} from "../model/rules/atom.ts";
import type { CompiledRule, CompiledRuleSet } from "../model/rules/compiled-rules.ts";
import type { Match, Matcher, Rule } from "../model/rules/rule.ts";
import { kindName, knownRule } from "../model/rules/rule-kinds.ts";
import type { RuleSet } from "../model/rules/rule-set.ts";

/** What rules are compiled with. */
export interface RuleSources {
  group(id: string): CompiledRuleSet;
  list(id: string): CompiledList | undefined;
}

/** What stands for rules of which none can be judged. */
export const cannotJudge: CompiledRuleSet = {
  include: [],
  require: [],
  exclude: [],
  matches: () => "unknown",
  names: namesNothing,
};

/** How good an answer is for whoever asks. */
const rank: Record<Match, number> = { no: 0, unknown: 1, pending: 2, yes: 3 };

/**
 * include: one of them; require: all of them; exclude: none of them (access-features 4.2). The
 * policy is as good for somebody as the worst of these three.
 */
export function compileRuleSet(set: RuleSet, sources: RuleSources): CompiledRuleSet {
  const compile = (rule: Rule) => compileRule(rule, sources);
  const include = set.include.map(compile);
  const require = set.require.map(compile);
  const exclude = set.exclude.map(compile);
  const matches = joinMatchers({
    include: include.map(matcherOf),
    require: require.map(matcherOf),
    exclude: exclude.map(matcherOf),
  });
  const names = namedByAny([...include, ...require, ...exclude].map(factsNamedBy));
  return { include, require, exclude, matches, names };
}

/** What the three lists of a set say together, whatever judges each rule. */
export function joinMatchers(set: Record<keyof RuleSet, readonly Matcher[]>): Matcher {
  const included = bestOf(set.include);
  if (set.require.length === 0 && set.exclude.length === 0) return included;
  return worstOf([included, ...set.require, ...set.exclude.map(opposite)]);
}

/** A rule that is not exactly one known kind with a valid value cannot be judged. */
function compileRule(rule: Rule, { group, list }: RuleSources): CompiledRule {
  const { kind, value } = knownRule(rule) ?? {};
  const result = kind?.schema.safeParse(value);
  if (kind === undefined || result?.success !== true) {
    const atom: Atom = { of: "unjudged", kind: kindName(rule) ?? "" };
    return { rule, atom, matches: cannotJudge.matches };
  }
  const atom = kind.atom(result.data, list);
  const matches = kind.compile(result.data, { group: (id) => group(id).matches, list });
  if (atom.of !== "group") return { rule, atom, matches };
  return { rule, atom, matches, group: group(atom.id) };
}

function matcherOf({ matches }: CompiledRule): Matcher {
  return matches;
}

function factsNamedBy({ atom, group }: CompiledRule): NamedFacts {
  return group?.names ?? namedBy(atom);
}

/** The best answer of any; `no` where there is none. */
function bestOf(matchers: readonly Matcher[]): Matcher {
  const [only, ...others] = matchers;
  if (only !== undefined && others.length === 0) return only;
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
