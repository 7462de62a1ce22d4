import type { Atom } from "../model/rules/atom.ts";
import type { CompiledRuleSet } from "../model/rules/compiled-rules.ts";

/** What a set of rules asks, its groups' rules as well; each group once. */
export function atomsOf(rules: CompiledRuleSet): Atom[] {
  const atoms: Atom[] = [];
  const seen = new Set([rules]);
  // A set grows while it is walked.
  for (const set of seen) {
    for (const { atom, group } of [...set.include, ...set.require, ...set.exclude]) {
      atoms.push(atom);
      if (group !== undefined) seen.add(group);
    }
  }
  return atoms;
}
