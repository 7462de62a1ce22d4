// What policy says where not every fact is known: the answer, where it is the same whatever the
// missing facts are, or what it depends on. Every answer is one of `evaluate`; of a rule whose
// facts are missing the best and the worst answer are tried.
import type { CompiledPolicy, Decision } from "../model/model.ts";
import type { Atom } from "../model/rules/atom.ts";
import type { CompiledRule, CompiledRuleSet } from "../model/rules/compiled-rules.ts";
import type { Match, Subject } from "../model/rules/rule.ts";
import { atomsOf } from "./atoms-of.ts";
import { evaluate } from "./evaluate.ts";
import { type Facts, isStated, subjectOf } from "./facts.ts";
import { joinMatchers } from "./rules.ts";

/** What policy says, as far as the facts reach. */
export type FactDecision =
  | { isDecided: true; decision: Decision }
  /** @property missing what it depends on */
  | { isDecided: false; possible: readonly Decision[]; missing: readonly Atom[] };

/** An answer, or that facts are missing that it depends on. */
export type FactMatch = Match | "not_stated";

/** Which answer stands for a rule whose facts are missing. */
type Guess = "best" | "worst";

/** A policy, and all that its rules ask. */
export interface AskingPolicy {
  policy: CompiledPolicy;
  atoms: readonly Atom[];
}

/** Finds out once what each policy asks. */
export function askingPolicies(policies: readonly CompiledPolicy[]): AskingPolicy[] {
  return policies.map((policy) => ({ policy, atoms: atomsOf(policy.rules) }));
}

/** Decides as far as the facts reach. */
export function decideByFacts(policies: readonly AskingPolicy[], facts: Facts): FactDecision {
  // 1. Where nothing is missing, this is what a request is told.
  const missing = policies.flatMap(({ atoms }) => atoms.filter((atom) => !isStated(facts, atom)));
  const subject = subjectOf(facts);
  if (missing.length === 0) {
    const application = { policies: policies.map(({ policy }) => policy) };
    return { isDecided: true, decision: evaluate({ application, ...subject }) };
  }

  // 2. Else what the best and what the worst of them would lead to.
  const best = evaluateGuess(policies, facts, subject, "best");
  const worst = evaluateGuess(policies, facts, subject, "worst");
  const isOpen = mayDenyBetween(policies, facts) || mayBeNamed(facts);
  if (isSame(best, worst) && !isOpen) return { isDecided: true, decision: best };
  return { isDecided: false, possible: [best, worst], missing };
}

/** A deny that holds is the worst that can become of somebody. */
function evaluateGuess(
  policies: readonly AskingPolicy[],
  facts: Facts,
  asker: Subject,
  guess: Guess,
): Decision {
  const guessing = policies.map(({ policy }) => {
    const ownGuess = policy.decision === "deny" ? opposite(guess) : guess;
    const matches = (subject: Subject) => guessSet(policy.rules, { facts, subject }, ownGuess);
    return { ...policy, matches };
  });
  return evaluate({ application: { policies: guessing }, ...asker });
}

/**
 * Whether a deny policy may hold in between: while it is pending it does not, although that is
 * more than that it cannot be judged, and then it does.
 */
function mayDenyBetween(policies: readonly AskingPolicy[], facts: Facts): boolean {
  return policies.some(({ policy, atoms }) => {
    if (policy.decision !== "deny" || atoms.every((atom) => isStated(facts, atom))) return false;
    return facts.kind === "anonymous" || atoms.some((atom) => mayBePending(atom, facts));
  });
}

/** Whether a rule is about a request that may not be there yet. */
function mayBePending({ of }: Atom, { request }: Facts): boolean {
  return (of === "method" || of === "path") && typeof request !== "object";
}

/** Whether it is not known which program asks, of those that a policy must name. */
function mayBeNamed({ kind, linked_app, workload }: Facts): boolean {
  if (kind === "linked") return linked_app === undefined;
  return kind === "workload" && workload === undefined;
}

/** Facts, and the subject that is judged by them: for a bypass policy a stranger. */
interface Asker {
  facts: Facts;
  subject: Subject;
  /** what groups were found to answer: one may be named in many places */
  groups?: Record<Guess, Map<CompiledRuleSet, Match>>;
}

function guessSet(set: CompiledRuleSet, asker: Asker, guess: Guess): Match {
  // A group that leads back to itself has no rules to look into.
  if (set.include.length === 0) return set.matches(asker.subject);
  const guesses = (rules: readonly CompiledRule[], each: Guess) =>
    rules.map((rule) => () => guessRule(rule, asker, each));
  const matches = joinMatchers({
    include: guesses(set.include, guess),
    require: guesses(set.require, guess),
    exclude: guesses(set.exclude, opposite(guess)),
  });
  return matches(asker.subject);
}

function guessRule({ atom, group, matches }: CompiledRule, asker: Asker, guess: Guess): Match {
  if (group !== undefined) return guessGroup(group, asker, guess);
  const { facts, subject } = asker;
  const { kind } = subject.principal;
  const own = kind === facts.kind ? facts : { ...facts, kind };
  if (isStated(own, atom)) return matches(subject);
  return guess === "best" ? "yes" : "no";
}

function guessGroup(group: CompiledRuleSet, asker: Asker, guess: Guess): Match {
  asker.groups ??= { best: new Map(), worst: new Map() };
  const answers = asker.groups[guess];
  const answer = answers.get(group) ?? guessSet(group, asker, guess);
  answers.set(group, answer);
  return answer;
}

/** What one rule answers. */
export function ruleMatch(rule: CompiledRule, facts: Facts): FactMatch {
  const asker = { facts, subject: subjectOf(facts) };
  const best = guessRule(rule, asker, "best");
  return best === guessRule(rule, asker, "worst") ? best : "not_stated";
}

/** What a policy's rules answer together, whatever the policy makes of it. */
export function policyMatch({ rules }: CompiledPolicy, facts: Facts): FactMatch {
  const asker = { facts, subject: subjectOf(facts) };
  const best = guessSet(rules, asker, "best");
  return best === guessSet(rules, asker, "worst") ? best : "not_stated";
}

function opposite(guess: Guess): Guess {
  return guess === "best" ? "worst" : "best";
}

/** Whether two decisions are one answer, by the same policy. */
function isSame(one: Decision, other: Decision): boolean {
  return one.outcome === other.outcome && policyOf(one)?.id === policyOf(other)?.id;
}

/** The policy that a decision is by. */
export function policyOf(decision: Decision): { id: string; name: string } | undefined {
  return "policy" in decision ? decision.policy : undefined;
}
