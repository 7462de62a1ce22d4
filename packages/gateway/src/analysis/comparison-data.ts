// What a change does to people's access, for programs.
import type { Decision } from "../model/model.ts";
import { policyOf } from "../policy/decide-by-facts.ts";
import type { ObjectNames } from "../policy/object-names.ts";
import { isApplication, type Owner } from "./areas.ts";
import type { AccessComparison } from "./compare-access.ts";
import type { AccessExample } from "./compare-policies.ts";
import { describeExample } from "./comparison-text.ts";

/** For each application that somebody gains or loses, an example of each. */
export function comparisonData(comparison: AccessComparison, names: ObjectNames): object {
  const { changes, unchanged, undecidedHosts } = comparison;
  const isUndecided = undecidedHosts.length > 0 || changes.some((each) => each.isUndecided);
  return {
    changes: changes.map((change) => ({
      before: ownerShown(change.before),
      after: ownerShown(change.after),
      url: change.url,
      gains: change.gains.map((example) => exampleShown(example, names)),
      loses: change.loses.map((example) => exampleShown(example, names)),
      decided: !change.isUndecided,
    })),
    unchanged,
    decided: !isUndecided,
    undecided_hosts: undecidedHosts,
  };
}

/** `null`: nobody's; `refused`: it may mean several applications. */
function ownerShown(owner: Owner): object | string | null {
  if (!isApplication(owner)) return owner ?? null;
  const { id, name } = owner;
  return { id, name };
}

function exampleShown(example: AccessExample, names: ObjectNames): object {
  const { kind, subject, before, after } = example;
  const { principal, ...circumstances } = subject;
  const who = describeExample(example, names);
  return {
    who,
    kind,
    principal,
    ...circumstances,
    before: answerShown(before),
    after: answerShown(after),
  };
}

function answerShown(decision: Decision): object {
  const { outcome } = decision;
  const policy = policyOf(decision);
  return policy === undefined
    ? { outcome }
    : { outcome, policy: { id: policy.id, name: policy.name } };
}
