import type { Atom, NamedFacts } from "./atom.ts";
import type { Matcher, Rule } from "./rule.ts";

/** A rule in force: as it is stored, as data, and ready to be judged. */
export interface CompiledRule {
  rule: Rule;
  atom: Atom;
  matches: Matcher;
  /** of a `group` rule alone */
  group?: CompiledRuleSet;
}

/** The rules of a policy or a group in force. */
export interface CompiledRuleSet {
  include: readonly CompiledRule[];
  require: readonly CompiledRule[];
  exclude: readonly CompiledRule[];
  matches: Matcher;
  /** what its rules name of a request, through groups as well */
  names: NamedFacts;
}
