import assert from "node:assert/strict";
import { test } from "node:test";
import { atomsOf } from "../../src/policy/atoms-of.ts";
import { askingPolicies, decideByFacts } from "../../src/policy/decide-by-facts.ts";
import { DecisionRecorder } from "../../src/policy/decision-record.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { explain } from "../../src/policy/explain.ts";
import { type Facts, factsOf } from "../../src/policy/facts.ts";
import { PolicyCompiler } from "../../src/policy/policy-compiler.ts";
import { Draws, drawGroups, drawPolicies, drawSubject, lists } from "./random-policies.ts";
import { compilerOf } from "./subjects.ts";

const runs = 5_000;

function draw(seed: number) {
  const draws = new Draws(seed);
  const compiler = new PolicyCompiler({ groups: drawGroups(draws), lists });
  const policies = drawPolicies(draws).map((each) => compiler.compile(each));
  const subject = drawSubject(draws);
  const atoms = policies.flatMap(({ rules }) => atomsOf(rules));
  return { draws, policies, subject, facts: factsOf(subject, atoms) };
}

test("an explanation never says another thing than the decision that it explains", () => {
  for (let seed = 0; seed < runs; seed++) {
    const { policies, subject, facts } = draw(seed);
    const { result, policies: explained } = explain(policies, facts);
    const decision = evaluate({ application: { policies }, ...subject });
    assert.ok(result.isDecided, `seed ${seed}`);
    assert.equal(result.decision.outcome, decision.outcome, `seed ${seed}`);
    if (!("policy" in decision)) continue;
    const decider = explained.find(({ effect }) => effect === "decides");
    assert.equal(decider?.id, decision.policy.id, `seed ${seed}`);
  }
});

test("of each policy an explanation says the answer of its own matcher", () => {
  for (let seed = 0; seed < runs; seed++) {
    const { policies, subject, facts } = draw(seed);
    for (const { id, match } of explain(policies, facts).policies) {
      const policy = policies.find((each) => each.id === id);
      const stranger = { ...subject, principal: { kind: "anonymous" as const } };
      const askers = policy?.decision === "bypass" ? [stranger, subject] : [subject];
      const answers = askers.map((asker) => policy?.matches(asker));
      assert.ok(answers.includes(match as never), `seed ${seed} ${id}`);
    }
  }
});

test("where facts are missing nothing is decided that the missing ones could change", () => {
  const people = ["email", "login_method", "auth_methods", "claims"] as const;
  const others = ["service_token", "linked_app", "workload", "ip", "country", "request"] as const;
  let decided = 0;
  for (let seed = 0; seed < runs; seed++) {
    const { draws, policies, subject, facts } = draw(seed);
    const known: Facts = { ...facts };
    for (const field of [...people, ...others]) if (draws.rarely(3)) delete known[field];
    const result = decideByFacts(askingPolicies(policies), known);
    if (!result.isDecided) continue;
    decided++;
    const decision = evaluate({ application: { policies }, ...subject });
    assert.equal(result.decision.outcome, decision.outcome, `seed ${seed}`);
  }
  assert.ok(decided > runs / 4);
});

test("a record has the policy, the rule that held, and no fact that no policy names", () => {
  const policy = compilerOf().compile({
    id: "staff",
    name: "Staff",
    decision: "allow",
    include: [{ ip: { ip: "192.0.2.0/24" } }, { email_domain: { domain: "a.example" } }],
    require: [],
    exclude: [],
  });
  const identity = {
    email: "ada@a.example",
    name: "Ada",
    idp: { id: "corp", type: "oidc" },
    groups: ["eng"],
    oidc_fields: { salary: "high" },
    amr: ["mfa"],
    ip: "10.0.0.1",
    country: "",
    iat: 0,
  };
  const principal = { kind: "person" as const, identity };
  const subject = { principal, ip: "10.0.0.1", country: undefined, request: "none" as const };
  const decision = evaluate({ application: { policies: [policy] }, ...subject });
  const record = new DecisionRecorder().record({ policies: [policy] }, subject, decision);
  assert.deepEqual(record, {
    outcome: "allow",
    policy: { id: "staff", name: "Staff" },
    rule: "{email_domain: {domain: a.example}}",
    facts: { kind: "person", email: "ada@a.example", ip: "10.0.0.1" },
  });
});
