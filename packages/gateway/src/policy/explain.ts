// Why policy says what it says: of each policy whether it matched, of each of its rules the answer,
// and the facts that it was about. The decision is the one of `evaluate`, and each answer the one
// of the rule's own matcher.
import type { CompiledPolicy, PolicyAction, Rule } from "../model/model.ts";
import type { Atom } from "../model/rules/atom.ts";
import type { CompiledRule, CompiledRuleSet } from "../model/rules/compiled-rules.ts";
import type { RuleSet } from "../model/rules/rule-set.ts";
import { atomsOf } from "./atoms-of.ts";
import {
  askingPolicies,
  decideByFacts,
  type FactDecision,
  type FactMatch,
  policyMatch,
  policyOf,
  ruleMatch,
} from "./decide-by-facts.ts";
import { type Facts, factNames, factsOf, isStated, subjectOf } from "./facts.ts";

/** An answer with its reasons. */
export interface Explanation {
  result: FactDecision;
  /** in the order in which they count: bypass and Service Auth first (access-features 4.2) */
  policies: readonly PolicyExplanation[];
}

/** What a policy had to do with a decision. */
export type PolicyEffect =
  /** it decided */
  | "decides"
  /** it did not match */
  | "passed_over"
  /** it comes after the one that decided */
  | "not_reached"
  /** it is for programs and a person asks, or the other way round */
  | "not_for_asker";

/** One policy, and why it matched or did not. */
export interface PolicyExplanation {
  id: string;
  name: string;
  action: PolicyAction;
  effect: PolicyEffect;
  match: FactMatch;
  rules: readonly RuleExplanation[];
}

/** One rule, its answer, and what it was about. */
export interface RuleExplanation {
  list: keyof RuleSet;
  /** in its list, from 0 */
  index: number;
  rule: Rule;
  match: FactMatch;
  /** what it asked of whoever asks; empty where that is not known or does not apply */
  facts: Omit<Facts, "kind">;
  /** what it asks and nobody stated: `email`, `claims.groups`; of a group, what its rules do */
  missing: readonly string[];
  /** of a rule about a group: what its rules say */
  group?: readonly RuleExplanation[];
}

/** Groups inside groups are looked into this far; how deep they may lie is not limited. */
const deepestGroup = 8;

/** Rules of groups that are explained, at most: one that is named in many places is in each. */
const mostRulesOfGroups = 2_000;

/** Explains what policy says of somebody. */
export function explain(policies: readonly CompiledPolicy[], facts: Facts): Explanation {
  const result = decideByFacts(askingPolicies(policies), facts);
  const matches = policies.map((policy) => ({
    policy,
    match: policyMatch(policy, askerOf(policy, facts)),
  }));
  const first = matches.filter(({ policy }) => isFirstPass(policy));
  const second = matches.filter(({ policy }) => !isFirstPass(policy));
  const inOrder = [...first, ...second];

  const deciderPlace = placeOfDecider(inOrder, result);
  const room: Room = { rulesLeft: mostRulesOfGroups };
  return {
    result,
    policies: inOrder.map(({ policy, match }, place) => ({
      id: policy.id,
      name: policy.name,
      action: policy.decision,
      effect: effectOf(policy, facts, place, deciderPlace),
      match,
      rules: explainRules(policy.rules, askerOf(policy, facts), 0, room),
    })),
  };
}

interface MatchedPolicy {
  policy: CompiledPolicy;
  match: FactMatch;
}

function isFirstPass({ decision }: CompiledPolicy): boolean {
  return decision === "bypass" || decision === "non_identity";
}

/** Bypass is for whoever asks: it is judged as of a stranger, and then for programs. */
function askerOf(policy: CompiledPolicy, facts: Facts): Facts {
  if (policy.decision !== "bypass") return facts;
  const stranger: Facts = { ...facts, kind: "anonymous" };
  return isProgram(facts) && policyMatch(policy, stranger) !== "yes" ? facts : stranger;
}

function isProgram({ kind }: Facts): boolean {
  return kind === "service" || kind === "workload" || kind === "linked";
}

/** Where the policy is that led to the answer; negative where none did. */
function placeOfDecider(policies: readonly MatchedPolicy[], result: FactDecision): number {
  if (!result.isDecided) return -1;
  const { decision } = result;
  if (decision.outcome !== "login") {
    const id = policyOf(decision)?.id;
    return policies.findIndex(({ policy }) => policy.id === id);
  }
  return policies.findIndex(
    ({ policy, match }) => policy.decision === "allow" && (match === "yes" || match === "pending"),
  );
}

function effectOf(
  { decision }: CompiledPolicy,
  facts: Facts,
  place: number,
  deciderPlace: number,
): PolicyEffect {
  if (place === deciderPlace) return "decides";
  if (deciderPlace >= 0 && place > deciderPlace) return "not_reached";
  const isForPrograms = decision === "non_identity";
  if (decision !== "bypass" && isProgram(facts) !== isForPrograms) return "not_for_asker";
  return "passed_over";
}

/** How much may still be said. */
interface Room {
  rulesLeft: number;
}

function explainRules(
  rules: CompiledRuleSet,
  facts: Facts,
  depth: number,
  room: Room,
): RuleExplanation[] {
  const lists = ["include", "require", "exclude"] as const;
  return lists.flatMap((list) =>
    rules[list].map((rule, index) => ({ list, index, ...explainRule(rule, facts, depth, room) })),
  );
}

function explainRule(
  compiled: CompiledRule,
  facts: Facts,
  depth: number,
  room: Room,
): Omit<RuleExplanation, "list" | "index"> {
  const { rule, atom, group } = compiled;
  const missing = atomsInside(compiled).filter((each) => !isStated(facts, each));
  const explanation = {
    ...{ rule, match: ruleMatch(compiled, facts) },
    ...{ facts: askedOf(atom, facts), missing: missingFacts(missing) },
  };
  if (group === undefined || depth >= deepestGroup) return explanation;
  room.rulesLeft -= group.include.length + group.require.length + group.exclude.length;
  if (room.rulesLeft < 0) return explanation;
  return { ...explanation, group: explainRules(group, facts, depth + 1, room) };
}

function atomsInside({ atom, group }: CompiledRule): readonly Atom[] {
  return group === undefined ? [atom] : atomsOf(group);
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

/** What an atom asks, as far as it is stated. */
function askedOf(atom: Atom, facts: Facts): Omit<Facts, "kind"> {
  if (!isStated(facts, atom)) return {};
  const all = factsOf(subjectOf(facts), [atom]);
  const names: readonly string[] = factNames(atom);
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}
