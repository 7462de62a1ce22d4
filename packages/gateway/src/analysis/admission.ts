// Whom policies let in, as terms. Of the four answers of a rule two sets are enough: whom it holds
// for, and for whom it is not certain that it does not. What is pending or cannot be judged is in
// the second alone.
import type { CompiledPolicy, Principal } from "../model/model.ts";
import type { Atom, WorkloadTerms } from "../model/rules/atom.ts";
import { claimPattern } from "../model/rules/claim-pattern.ts";
import type { CompiledRule, CompiledRuleSet } from "../model/rules/compiled-rules.ts";
import type { Subject } from "../model/rules/rule.ts";
import { flags, type IdentitySpace, issuerOf, workloadWords } from "./identity-space.ts";
import { requestOf, type SideName } from "./member-subject.ts";
import { and, not, or, type Term } from "./terms.ts";

/** For whom a rule holds, and for whom it may hold. */
interface Answers {
  yes: Term;
  maybe: Term;
}

/** A policy, and whom it lets in: those whom no other one decided about before. */
export interface Admission {
  policy: CompiledPolicy;
  term: Term;
  /** of these, those whom it would not let in as strangers */
  own: Term;
}

const always: Answers = { yes: true, maybe: true };
const never: Answers = { yes: false, maybe: false };
/** pending, or not to be judged */
const open: Answers = { yes: false, maybe: true };

const yes = new Set(["yes"]);

/** Whom policies let in, of askers of one kind. */
export class Admissions {
  readonly #space: IdentitySpace;
  readonly #kind: Principal["kind"];
  readonly #side: SideName;
  readonly #groups = new Map<CompiledRuleSet, Answers>();
  readonly #words: ReadonlyMap<string, readonly string[]>;

  /** @param atoms all that the space was made of */
  constructor(
    space: IdentitySpace,
    kind: Principal["kind"],
    side: SideName,
    atoms: readonly Atom[],
  ) {
    this.#space = space;
    this.#kind = kind;
    this.#side = side;
    this.#words = workloadWords(atoms);
  }

  /**
   * In the order in which policies decide (access-features 4.2).
   * @param strangers of the same space: a bypass lets in others like them
   */
  of(policies: readonly CompiledPolicy[], strangers: Admissions): Admission[] {
    const admissions: Admission[] = [];
    const decided: Term[] = [];
    const decide = (policy: CompiledPolicy, whom: Term, asStrangers: Term = false) => {
      const term = and([whom, not(or(decided))]);
      decided.push(whom);
      if (policy.decision === "deny") return;
      admissions.push({ policy, term, own: and([term, not(asStrangers)]) });
    };
    for (const policy of policies) {
      if (policy.decision !== "bypass" && policy.decision !== "non_identity") continue;
      const isBypass = policy.decision === "bypass";
      const asStrangers = isBypass ? strangers.#answers(policy.rules).yes : false;
      decide(policy, or([asStrangers, this.#program(policy)]), asStrangers);
    }
    if (this.#kind !== "person") return admissions;
    for (const policy of policies) {
      const { yes: holds, maybe } = this.#answers(policy.rules);
      if (policy.decision === "allow") decide(policy, holds);
      // A deny that cannot be judged denies.
      if (policy.decision === "deny") decide(policy, maybe);
    }
    return admissions;
  }

  /** The programs that a policy of the first pass lets in. */
  #program({ rules, workloads, linkedApplications }: CompiledPolicy): Term {
    if (this.#kind === "person" || this.#kind === "anonymous") return false;
    const { yes: holds } = this.#answers(rules);
    switch (this.#kind) {
      case "workload":
        return and([holds, or(workloads.map(({ rule }) => this.#workload(rule)))]);
      case "linked":
        return and([holds, { dimension: "linked_app", values: new Set(linkedApplications) }]);
      default:
        return holds;
    }
  }

  #answers(rules: CompiledRuleSet): Answers {
    const done = this.#groups.get(rules);
    if (done !== undefined) return done;
    const answers = this.#answersOf(rules);
    this.#groups.set(rules, answers);
    return answers;
  }

  #answersOf(rules: CompiledRuleSet): Answers {
    // A group that leads back to itself has no rules: it cannot be judged.
    if (rules.include.length === 0) return rules.matches(emptySubject) === "unknown" ? open : never;
    const included = this.#any(rules.include);
    const required = rules.require.map((rule) => this.#rule(rule));
    const excluded = this.#any(rules.exclude);
    return {
      yes: and([included.yes, ...required.map((each) => each.yes), not(excluded.maybe)]),
      maybe: and([included.maybe, ...required.map((each) => each.maybe), not(excluded.yes)]),
    };
  }

  /** Rules of which one is enough. Those about one dimension are one set of its values. */
  #any(rules: readonly CompiledRule[]): Answers {
    const answers = rules.map((rule) => this.#rule(rule));
    return {
      yes: unionOf(answers.map((each) => each.yes)),
      maybe: unionOf(answers.map((each) => each.maybe)),
    };
  }

  #rule(rule: CompiledRule): Answers {
    if (rule.group !== undefined) return this.#answers(rule.group);
    const { atom } = rule;
    switch (atom.of) {
      case "everyone":
        return always;
      case "unjudged":
      case "group":
        return open;
      case "address":
      case "country":
      case "method":
        return this.#request(rule, atom.of);
      case "path":
        return this.#request(rule, "url");
      case "any_service_token":
        return this.#kind === "service" ? always : never;
      case "service_token":
        if (this.#kind !== "service") return never;
        return certain({ dimension: "service_token", values: new Set([atom.id]) });
      case "linked_app":
        if (this.#kind !== "linked") return never;
        return certain({ dimension: "linked_app", values: new Set([atom.id]) });
      case "workload":
        return this.#kind === "workload" ? certain(this.#workload(atom.terms)) : never;
      default:
        return this.#person(atom);
    }
  }

  /** A rule about people: pending for strangers, never true of programs. */
  #person(atom: Atom & { of: "email" | "email_domain" | "provider" | "amr" | "claim" }): Answers {
    if (this.#kind === "anonymous") return open;
    if (this.#kind !== "person" && this.#kind !== "linked") return never;
    switch (atom.of) {
      case "email":
        return certain({ dimension: "email", values: new Set(atom.oneOf) });
      case "email_domain": {
        const all = this.#space.get("email") ?? [];
        const values = new Set(all.filter((email) => email.endsWith(`@${atom.domain}`)));
        return certain({ dimension: "email", values });
      }
      case "provider":
        return certain({ dimension: "provider", values: new Set([atom.id]) });
      case "amr":
        return certain({ dimension: flags.amr(atom.value), values: yes });
      case "claim": {
        const isProvider: Term = { dimension: "provider", values: new Set([atom.provider]) };
        const holds: Term = { dimension: flags.claim(atom.name, atom.value), values: yes };
        const rest: Term = { dimension: flags.claimRest(atom.name), values: yes };
        return { yes: and([isProvider, holds]), maybe: and([isProvider, or([holds, rest])]) };
      }
    }
  }

  #workload(terms: WorkloadTerms): Term {
    const claims = Object.entries(terms.claims).map(([name, value]) => {
      const patterns = [value].flat().map((each) => claimPattern(each));
      const words = this.#words.get(name) ?? [];
      const fitting = words.filter((word) => patterns.some((fits) => fits(word)));
      return or(
        fitting.map((word) => ({ dimension: flags.workloadClaim(name, word), values: yes })),
      );
    });
    return and([
      { dimension: "issuer", values: new Set(issuerOf({ of: "workload", terms })) },
      { dimension: flags.audience(terms.audience), values: yes },
      ...claims,
    ]);
  }

  /** A rule about the request alone: its matcher says it of every value. */
  #request(
    { matches }: CompiledRule,
    dimension: "address" | "country" | "method" | "url",
  ): Answers {
    const holds = new Set<string>();
    const mayHold = new Set<string>();
    for (const value of this.#space.get(dimension) ?? []) {
      const answer = matches({
        ...emptySubject,
        ...requestOf(new Map([[dimension, value]]), this.#side),
      });
      if (answer === "yes") holds.add(value);
      if (answer !== "no") mayHold.add(value);
    }
    return { yes: { dimension, values: holds }, maybe: { dimension, values: mayHold } };
  }
}

const emptySubject: Subject = {
  principal: { kind: "anonymous" },
  ip: "",
  country: undefined,
  request: "none",
};

function certain(term: Term): Answers {
  return { yes: term, maybe: term };
}

/** A union in which each dimension has one set of values, where it stands by itself. */
function unionOf(terms: readonly Term[]): Term {
  const sets = new Map<string, ReadonlySet<string>[]>();
  const others: Term[] = [];
  for (const term of terms) {
    if (typeof term === "boolean" || !("dimension" in term)) {
      others.push(term);
      continue;
    }
    sets.set(term.dimension, [...(sets.get(term.dimension) ?? []), term.values]);
  }
  const joined = [...sets].map(([dimension, [first = new Set<string>(), ...more]]) => {
    if (more.length === 0) return { dimension, values: first };
    return { dimension, values: new Set([first, ...more].flatMap((values) => [...values])) };
  });
  return or([...joined, ...others]);
}
