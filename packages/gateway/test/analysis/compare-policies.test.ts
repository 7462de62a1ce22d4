import assert from "node:assert/strict";
import { test } from "node:test";
import { admits, comparePolicies, type PolicySide } from "../../src/analysis/compare-policies.ts";
import type { CompiledPolicy, Group, Policy } from "../../src/model/model.ts";
import type { Subject } from "../../src/model/rules/rule.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { PolicyCompiler } from "../../src/policy/policy-compiler.ts";
import {
  Draws,
  drawGroups,
  drawPolicies,
  drawRule,
  drawSubject,
  lists,
  requestPaths,
} from "../policy/random-policies.ts";

const serviceTokens = ["t1", "t2", "t3"];
const applications = ["portal", "wiki", "other"];
const urls = requestPaths.map((path) => `app.example.com${path}`);
const surroundings = { providers: ["corp", "pin", "other"], serviceTokens, applications, urls };

function compile(policies: readonly Policy[], groups: ReadonlyMap<string, Group>) {
  const compiler = new PolicyCompiler({ groups, lists });
  return policies.map((policy) => compiler.compile(policy));
}

function sideOf(policies: readonly CompiledPolicy[], tokens = serviceTokens): PolicySide {
  return {
    policies,
    serviceTokens: new Set(tokens),
    applications: new Set(applications),
    providers: new Set(surroundings.providers),
  };
}

/** The same policies and groups, and others that differ in one or two places. */
function drawChange(draws: Draws): [CompiledPolicy[], CompiledPolicy[]] {
  const groups = drawGroups(draws);
  const policies = drawPolicies(draws);
  const others = new Map(groups);
  const changed = policies.map((policy) =>
    draws.rarely(3) ? changePolicy(draws, policy) : policy,
  );
  if (draws.rarely(3)) others.set("g1", { ...drawGroups(draws).get("g1"), id: "g1" } as Group);
  if (draws.rarely(6)) changed.pop();
  if (draws.rarely(6)) changed.reverse();
  return [compile(policies, groups), compile(changed, others)];
}

function changePolicy(draws: Draws, policy: Policy): Policy {
  const list = draws.one(["include", "require", "exclude"] as const);
  const rules = [...policy[list]];
  if (draws.rarely(2)) rules.push(drawRule(draws));
  else if (rules.length > (list === "include" ? 1 : 0)) rules.splice(draws.below(rules.length), 1);
  return { ...policy, [list]: rules };
}

/** Somebody who asks for something, whose proof holds. */
function drawAsker(draws: Draws): Subject {
  for (;;) {
    const subject = drawSubject(draws);
    if (typeof subject.request === "object") return subject;
  }
}

function isAdmitted(policies: CompiledPolicy[], subject: Subject): boolean {
  return admits(evaluate({ application: { policies }, ...subject }));
}

function agreesWithEverybody(changes: number, askers: number): { gains: number; nobody: number } {
  const counts = { gains: 0, nobody: 0 };
  for (let seed = 0; seed < changes; seed++) {
    const draws = new Draws(seed);
    const [before, after] = drawChange(draws);
    const { gains, loses } = comparePolicies(sideOf(before), sideOf(after), surroundings);
    if (gains.length === 0 && loses.length === 0) counts.nobody++;
    for (let asker = 0; asker < askers; asker++) {
      const subject = drawAsker(draws);
      const [was, is] = [isAdmitted(before, subject), isAdmitted(after, subject)];
      if (was === is) continue;
      counts.gains++;
      const told = is ? gains : loses;
      assert.ok(told.length > 0, `seed ${seed}: ${JSON.stringify(subject)}`);
    }
  }
  return counts;
}

test("nobody is never said where somebody who was drawn at random gains or loses", () => {
  const { gains, nobody } = agreesWithEverybody(1_500, 60);
  assert.ok(gains > 1_000);
  assert.ok(nobody > 100);
});

test("of two equal configurations nobody gains and nobody loses", () => {
  for (let seed = 0; seed < 300; seed++) {
    const draws = new Draws(seed);
    const groups = drawGroups(draws);
    const policies = drawPolicies(draws);
    const [one, other] = [compile(policies, groups), compile(policies, groups)];
    assert.deepEqual(comparePolicies(sideOf(one), sideOf(other), surroundings), {
      gains: [],
      loses: [],
    });
  }
});
