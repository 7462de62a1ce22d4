// What policies would say of people as they were at their last sign-in. Nobody asks for anything
// yet: whoever may turn out to be let in is, as at a sign-in.
import type { Catalog } from "../catalog/catalog.ts";
import type { Steps } from "../catalog/steps.ts";
import type { Application, CompiledPolicy, Identity, Policy } from "../model/model.ts";
import type { Subject } from "../model/rules/rule.ts";
import { evaluate, policiesWithoutAnswer } from "../policy/evaluate.ts";
import { PolicyCompiler } from "../policy/policy-compiler.ts";

/** Of somebody who never signed in, or of whom something cannot be judged, nobody can tell. */
export type Verdict = "approved" | "blocked" | "error";

/** Policies that are in force nowhere, by the groups and lists of a catalog. */
export function* compilePolicies(
  policies: readonly Policy[],
  { groups, lists }: Pick<Catalog, "groups" | "lists">,
): Steps<CompiledPolicy[]> {
  const compiler = new PolicyCompiler({ groups, lists });
  const compiled: CompiledPolicy[] = [];
  for (const policy of policies) {
    compiled.push(compiler.compile(policy));
    yield;
  }
  return compiled;
}

/** Somebody as they were at their last sign-in. */
export function subjectOfLastLogin(
  identity: Identity,
  { countries }: Pick<Catalog, "countries">,
): Subject {
  const { ip } = identity;
  return {
    principal: { kind: "person", identity },
    ip,
    country: countries.of(ip),
    request: "awaited",
  };
}

/** @param identity of the last sign-in; null where there was none */
export function verdictOn(
  identity: Identity | null,
  application: Pick<Application, "policies">,
  catalog: Pick<Catalog, "countries">,
): Verdict {
  if (identity === null) return "error";
  const input = { application, ...subjectOfLastLogin(identity, catalog) };
  const { outcome } = evaluate(input);
  if (outcome === "allow" || outcome === "bypass") return "approved";
  return policiesWithoutAnswer(input).length > 0 ? "error" : "blocked";
}
