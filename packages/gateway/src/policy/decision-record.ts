// What is kept of a decision: the answer, the policy and the rule that led to it, and the facts
// that it was made of. Made only where one is written down.
import { flowText } from "../model/flow-text.ts";
import type { Application, CompiledPolicy, Decision, Rule } from "../model/model.ts";
import { isMap } from "../model/read-value.ts";
import type { Atom } from "../model/rules/atom.ts";
import type { Subject } from "../model/rules/rule.ts";
import { kindName } from "../model/rules/rule-kinds.ts";
import { atomsOf } from "./atoms-of.ts";
import { type Facts, factsOf } from "./facts.ts";

/** A decision, as it is kept. */
export interface DecisionRecord {
  outcome: Decision["outcome"];
  policy?: { id: string; name: string };
  /** the first rule of its `include` that holds: `{everyone: {}}`; its kind, where it is long */
  rule?: string;
  /** only those that the policies of the application name */
  facts: Facts;
}

/** Makes records of decisions. What the policies of an application name it finds out once. */
export class DecisionRecorder {
  readonly #atoms = new WeakMap<readonly CompiledPolicy[], readonly Atom[]>();

  record(
    { policies }: Pick<Application, "policies">,
    subject: Subject,
    decision: Decision,
  ): DecisionRecord {
    const { outcome } = decision;
    const facts = factsOf(subject, this.#atomsOf(policies));
    if (!("policy" in decision)) return { outcome, facts };

    const { id, name } = decision.policy;
    const policy = policies.find((each) => each.id === id);
    const rule = policy?.rules.include.find(({ matches }) => matches(subject) === "yes");
    const record = { outcome, policy: { id, name }, facts };
    return rule === undefined ? record : { ...record, rule: textOf(rule.rule) };
  }

  #atomsOf(policies: readonly CompiledPolicy[]): readonly Atom[] {
    const cached = this.#atoms.get(policies);
    if (cached !== undefined) return cached;
    const atoms = policies.flatMap(({ rules }) => atomsOf(rules));
    this.#atoms.set(policies, atoms);
    return atoms;
  }
}

/** A rule in one line, for people; of a long value the kind alone. */
function textOf(rule: Rule): string {
  const kind = kindName(rule) ?? "rule";
  return flowText(rule) ?? idText(kind, rule[kind]) ?? kind;
}

/** `group 5d40…`: ids are long, and no secrets. */
function idText(kind: string, value: unknown): string | undefined {
  const [id, ...more] = isMap(value) ? Object.values(value) : [];
  return typeof id === "string" && more.length === 0 ? `${kind} ${id}` : undefined;
}
