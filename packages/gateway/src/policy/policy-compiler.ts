// Policies and groups → matchers, each compiled once. What has not changed since the compiler
// before keeps its compiled form, so that a changed policy costs one policy and a changed group
// those that use it.
import { containsItself, type Group, groupsIn } from "../model/group.ts";
import { type List, valuesOf } from "../model/list.ts";
import { type CompiledList, compileList } from "../model/list-values.ts";
import type { CompiledPolicy, Policy } from "../model/policy.ts";
import type { CompiledRuleSet } from "../model/rules/compiled-rules.ts";
import type { Match, Subject } from "../model/rules/rule.ts";
import type { RuleSet } from "../model/rules/rule-set.ts";
import { linkedApplicationsIn, workloadRulesIn } from "./included-rules.ts";
import { cannotJudge, compileRuleSet } from "./rules.ts";

/** The objects that rules name, by id. */
export interface RuleObjects {
  groups: ReadonlyMap<string, Group>;
  lists: ReadonlyMap<string, List>;
}

/** A compiled set of rules, and what it was compiled with; undefined where there was none. */
interface Compiled {
  rules: CompiledRuleSet;
  groups: ReadonlyMap<string, CompiledGroup | undefined>;
  lists: ReadonlyMap<string, CompiledList | undefined>;
}

interface CompiledGroup extends Compiled {
  group: Group;
}

interface CompiledEntry extends Compiled {
  policy: CompiledPolicy;
}

/** What one compiler has compiled. */
interface Results {
  groups: Map<string, CompiledGroup>;
  lists: Map<List, CompiledList>;
  policies: Map<Policy, CompiledEntry>;
}

function noResults(): Results {
  return { groups: new Map(), lists: new Map(), policies: new Map() };
}

const nothing: ReadonlyMap<string, never> = new Map<string, never>();

/** Compiles the policies of one catalog. */
export class PolicyCompiler {
  readonly #source: RuleObjects;
  readonly #compiled: Results = noResults();
  /** rules as text → compiled, while policies are compiled */
  readonly #sets = new Map<string, Compiled>();
  #earlier: Results;

  /** @param earlier the compiler before: what it compiled of the same objects is taken over */
  constructor(objects: RuleObjects, earlier?: PolicyCompiler) {
    this.#source = objects;
    this.#earlier = earlier === undefined ? noResults() : earlier.#compiled;
  }

  compile(policy: Policy): CompiledPolicy {
    const done = this.#compiled.policies.get(policy) ?? this.#earlier.policies.get(policy);
    for (const id of done?.groups.keys() ?? []) this.#group(id);
    const entry = done !== undefined && this.#isCurrent(done) ? done : this.#compilePolicy(policy);
    this.#compiled.policies.set(policy, entry);
    return entry.policy;
  }

  /** Forgets the compiler before. */
  finish(): void {
    this.#earlier = noResults();
    this.#sets.clear();
  }

  #compilePolicy(policy: Policy): CompiledEntry {
    const compiled = this.#compileSet(policy);
    const { rules } = compiled;
    const { groups } = this.#source;
    return {
      ...compiled,
      policy: {
        ...policy,
        rules,
        matches: rules.matches,
        workloads: workloadRulesIn(policy, groups),
        linkedApplications: linkedApplicationsIn(policy, groups),
      },
    };
  }

  #list(id: string): CompiledList | undefined {
    const list = this.#source.lists.get(id);
    if (list === undefined) return undefined;
    const done = this.#compiled.lists.get(list) ?? this.#earlier.lists.get(list);
    const compiled = done ?? compileList(valuesOf(list));
    this.#compiled.lists.set(list, compiled);
    return compiled;
  }

  #group(id: string): CompiledGroup | undefined {
    for (const group of this.#uncompiledGroups(id)) {
      const compiled = this.#earlierGroup(group) ?? { ...this.#compileGroup(group), group };
      this.#compiled.groups.set(group.id, compiled);
    }
    return this.#compiled.groups.get(id);
  }

  /**
   * What is to be compiled for a group: those that it names, through others as well, and itself.
   * Each comes after those that it names, unless they lead back to it. Without recursion: nobody
   * counts how deep groups lie.
   */
  #uncompiledGroups(id: string): Group[] {
    const inOrder: Group[] = [];
    const seen = new Set<string>();
    const open: (string | Group)[] = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (typeof next !== "string") {
        inOrder.push(next);
        continue;
      }
      const group = this.#source.groups.get(next);
      if (group === undefined || seen.has(next) || this.#compiled.groups.has(next)) continue;
      seen.add(next);
      open.push(group, ...groupsIn(group));
    }
    return inOrder;
  }

  #earlierGroup(group: Group): CompiledGroup | undefined {
    const earlier = this.#earlier.groups.get(group.id);
    // One that contained itself may do so no longer, although it has not changed itself.
    if (earlier?.group !== group || earlier.rules === cannotJudge) return undefined;
    return this.#isCurrent(earlier) ? earlier : undefined;
  }

  /** A group inside itself cannot be judged. */
  #compileGroup(group: Group): Compiled {
    if (containsItself(group, (id) => this.#source.groups.get(id)))
      return { rules: cannotJudge, groups: nothing, lists: nothing };
    const compiled = this.#compileSet(group);
    return compiled.groups.size === 0
      ? compiled
      : { ...compiled, rules: askedOnce(compiled.rules) };
  }

  /** Sets that say the same are one: a thousand applications often have few between them. */
  #compileSet(set: RuleSet): Compiled {
    const text = JSON.stringify([set.include, set.require, set.exclude]);
    const done = this.#sets.get(text);
    if (done !== undefined) return done;
    const compiled = this.#compileNewSet(set);
    this.#sets.set(text, compiled);
    return compiled;
  }

  #compileNewSet(set: RuleSet): Compiled {
    const groups = new Map<string, CompiledGroup | undefined>();
    const lists = new Map<string, CompiledList | undefined>();
    const rules = compileRuleSet(set, {
      group: (id) => {
        const group = this.#group(id);
        groups.set(id, group);
        return group?.rules ?? cannotJudge;
      },
      list: (id) => {
        const list = this.#list(id);
        lists.set(id, list);
        return list;
      },
    });
    return { rules, groups, lists };
  }

  /** Whether everything that something was compiled with is still the same. */
  #isCurrent({ groups, lists }: Compiled): boolean {
    for (const [id, group] of groups) if (this.#compiled.groups.get(id) !== group) return false;
    for (const [id, list] of lists) if (this.#list(id) !== list) return false;
    return true;
  }
}

/**
 * The same rules, asked once of each subject: groups that name a group twice, each in the next,
 * would be asked twice as often with each of them.
 */
function askedOnce(rules: CompiledRuleSet): CompiledRuleSet {
  let last: Subject | undefined;
  let answer: Match = "unknown";
  const matches = (subject: Subject) => {
    if (subject !== last) {
      answer = rules.matches(subject);
      last = subject;
    }
    return answer;
  };
  return { ...rules, matches };
}
