// Policies and groups → matchers, each compiled once. What has not changed since the compiler
// before keeps its compiled form, so that a changed policy costs one policy and a changed group
// those that use it.
import { containsItself, type Group, groupsIn } from "../model/group.ts";
import type { CompiledPolicy, Policy } from "../model/policy.ts";
import type { GroupLookup, Matcher } from "../model/rules/rule.ts";
import type { RuleSet } from "../model/rules/rule-set.ts";
import { cannotJudge, compileRuleSet } from "./rules.ts";
import { workloadRulesIn } from "./workload-rules.ts";

/** A compiled set of rules, and the groups that it was compiled with. */
interface Compiled {
  matches: Matcher;
  /** id → the group; undefined where there was none */
  groups: ReadonlyMap<string, CompiledGroup | undefined>;
}

interface CompiledGroup extends Compiled {
  group: Group;
}

interface CompiledEntry extends Compiled {
  policy: CompiledPolicy;
}

/** Compiles the policies of one catalog. */
export class PolicyCompiler {
  readonly #source: ReadonlyMap<string, Group>;
  readonly #groups = new Map<string, CompiledGroup>();
  readonly #policies = new Map<Policy, CompiledEntry>();
  #earlierGroups: ReadonlyMap<string, CompiledGroup> = new Map();
  #earlierPolicies: ReadonlyMap<Policy, CompiledEntry> = new Map();

  /**
   * @param groups by id
   * @param earlier the compiler before: what it compiled of the same objects is taken over
   */
  constructor(groups: ReadonlyMap<string, Group>, earlier?: PolicyCompiler) {
    this.#source = groups;
    if (earlier === undefined) return;
    this.#earlierGroups = earlier.#groups;
    this.#earlierPolicies = earlier.#policies;
  }

  compile(policy: Policy): CompiledPolicy {
    const done = this.#policies.get(policy) ?? this.#earlierPolicies.get(policy);
    for (const id of done?.groups.keys() ?? []) this.#group(id);
    const entry = done !== undefined && this.#isCurrent(done) ? done : this.#compilePolicy(policy);
    this.#policies.set(policy, entry);
    return entry.policy;
  }

  /** Forgets the compiler before. */
  finish(): void {
    this.#earlierGroups = new Map();
    this.#earlierPolicies = new Map();
  }

  #compilePolicy(policy: Policy): CompiledEntry {
    const compiled = this.#compileSet(policy);
    const workloads = workloadRulesIn(policy, this.#source);
    return { ...compiled, policy: { ...policy, matches: compiled.matches, workloads } };
  }

  #group(id: string): CompiledGroup | undefined {
    for (const group of this.#uncompiledGroups(id)) {
      const compiled = this.#earlierGroup(group) ?? { ...this.#compileGroup(group), group };
      this.#groups.set(group.id, compiled);
    }
    return this.#groups.get(id);
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
      const group = this.#source.get(next);
      if (group === undefined || seen.has(next) || this.#groups.has(next)) continue;
      seen.add(next);
      open.push(group, ...groupsIn(group));
    }
    return inOrder;
  }

  #earlierGroup(group: Group): CompiledGroup | undefined {
    const earlier = this.#earlierGroups.get(group.id);
    // One that contained itself may do so no longer, although it has not changed itself.
    if (earlier?.group !== group || earlier.matches === cannotJudge) return undefined;
    return this.#isCurrent(earlier) ? earlier : undefined;
  }

  /** A group inside itself cannot be judged. */
  #compileGroup(group: Group): Compiled {
    if (containsItself(group, (id) => this.#source.get(id)))
      return { matches: cannotJudge, groups: new Map() };
    return this.#compileSet(group);
  }

  #compileSet(set: RuleSet): Compiled {
    const groups = new Map<string, CompiledGroup | undefined>();
    const lookup: GroupLookup = (id) => {
      const group = this.#group(id);
      groups.set(id, group);
      return group?.matches ?? cannotJudge;
    };
    return { matches: compileRuleSet(set, lookup), groups };
  }

  /** Whether every group that something was compiled with is still the same. */
  #isCurrent({ groups }: Compiled): boolean {
    for (const [id, group] of groups) if (this.#groups.get(id) !== group) return false;
    return true;
  }
}
