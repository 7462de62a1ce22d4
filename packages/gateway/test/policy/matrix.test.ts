// The policy matrix: every kind of rule, in each of the three lists, under each decision, for
// everybody who may ask, at a sign-in and for a request.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import type { Policy, PolicyAction, Rule, RuleSet } from "../../src/model/model.ts";
import { namedByAny } from "../../src/model/rules/atom.ts";
import type { Match, Subject } from "../../src/model/rules/rule.ts";
import { ruleKinds } from "../../src/model/rules/rule-kinds.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { groups, lists, type Selector, selectors, subjects } from "./matrix.ts";
import { referenceOutcome } from "./reference.ts";
import { applicationWith, compilerOf } from "./subjects.ts";

const places = ["include", "require", "exclude"] as const;
const decisions = ["allow", "deny", "bypass", "non_identity"] as const;
const everyone: Rule = { everyone: {} };
const compiler = () => compilerOf(groups, lists);

/** A policy in which one rule decides: everybody else is included, and nobody excluded. */
function policyAround(rule: Rule, place: keyof RuleSet, decision: PolicyAction): Policy {
  const rest: RuleSet = { include: [everyone], require: [], exclude: [] };
  return { id: `${decision} ${place}`, name: decision, decision, ...rest, [place]: [rule] };
}

const turned: Record<Match, Match> = {
  yes: "no",
  no: "yes",
  pending: "pending",
  unknown: "unknown",
};

type Asker = "nobody" | "person" | "program";
type Outcomes = Record<Asker, string>;

const nobodyIn: Outcomes = { nobody: "deny", person: "deny", program: "deny" };
const passes: Outcomes = { nobody: "bypass", person: "bypass", program: "bypass" };
const people: Outcomes = { nobody: "login", person: "allow", program: "deny" };

/**
 * What becomes of each asker where the only policy answers so; behind a deny is one that allows.
 */
const expected: Record<PolicyAction, Record<Match, Outcomes>> = {
  allow: { yes: people, pending: people, unknown: nobodyIn, no: nobodyIn },
  deny: { yes: nobodyIn, pending: people, unknown: nobodyIn, no: people },
  bypass: { yes: passes, pending: nobodyIn, unknown: nobodyIn, no: nobodyIn },
  non_identity: {
    yes: { ...nobodyIn, program: "allow" },
    pending: nobodyIn,
    unknown: nobodyIn,
    no: nobodyIn,
  },
};

function askerOf({ principal }: Subject): Asker {
  if (principal.kind === "anonymous") return "nobody";
  return principal.kind === "person" ? "person" : "program";
}

/** What is to become of somebody by a policy that is made around one rule. */
function expectedOutcome(
  { rule, says }: Selector,
  place: keyof RuleSet,
  decision: PolicyAction,
  subject: Subject,
): string {
  const answerTo = (of: Subject) => (place === "exclude" ? turned[says(of)] : says(of));
  const asker = askerOf(subject);
  const answer = answerTo(subject);
  if (decision === "bypass") {
    const anybody: Subject = { ...subject, principal: { kind: "anonymous" } };
    if (answerTo(anybody) === "yes") return "bypass";
    if (asker !== "program") return "deny";
  }
  if (asker === "program" && !isTaken(rule, place, decision, subject)) return "deny";
  return expected[decision][answer][asker];
}

/** Tokens that prove little count where the rule includes them, and nowhere else. */
function isTaken(
  rule: Rule,
  place: keyof RuleSet,
  decision: PolicyAction,
  { principal }: Subject,
): boolean {
  if (principal.kind === "linked") return place === "include" && "linked_app_token" in rule;
  if (principal.kind !== "workload") return true;
  return place === "include" && "oidc_token" in rule && decision === "non_identity";
}

test("every kind of rule stands in the matrix", () => {
  const kinds = new Set(selectors.flatMap(({ rule }) => Object.keys(rule)));
  for (const name of ruleKinds.keys()) assert.ok(kinds.has(name), name);
});

for (const decision of decisions)
  for (const place of places)
    test(`a rule in ${place} of a policy "${decision}" decides as documented, whatever its kind and whoever asks`, () => {
      for (const selector of selectors) {
        const policies = [policyAround(selector.rule, place, decision)];
        if (decision === "deny") policies.push(policyAround(everyone, "include", "allow"));
        const application = applicationWith(policies, compiler());
        for (const subject of subjects)
          assert.equal(
            evaluate({ application, ...subject }).outcome,
            expectedOutcome(selector, place, decision, subject),
            JSON.stringify([selector.rule, subject]),
          );
      }
    });

const anySelector = fc.constantFrom(...selectors);
const ofSelectors = (maxLength: number, minLength = 0) =>
  fc.array(anySelector, { minLength, maxLength });
const anyPolicy = fc.record({
  decision: fc.constantFrom<PolicyAction>(...decisions),
  include: ofSelectors(3, 1),
  require: ofSelectors(2),
  exclude: ofSelectors(2),
});
const rulesOf = (each: readonly Selector[]) => each.map(({ rule }) => rule);

interface DrawnPolicy extends Record<keyof RuleSet, Selector[]> {
  decision: PolicyAction;
}

function policyOf({ decision, ...drawn }: DrawnPolicy, index: number): Policy {
  const include = rulesOf(drawn.include);
  const require = rulesOf(drawn.require);
  const exclude = rulesOf(drawn.exclude);
  return { id: `${index}`, name: decision, decision, include, require, exclude };
}

const sayings = new Map(selectors.map(({ rule, says }) => [rule, says]));

test("policies decide as the plain reading of the documentation does, in any number and order", () => {
  fc.assert(
    fc.property(
      fc.array(anyPolicy, { maxLength: 5 }),
      fc.constantFrom(...subjects),
      (all, subject) => {
        const policies = all.map(policyOf);
        const application = applicationWith(policies, compiler());
        const judge = (rule: Rule, of: Subject) => sayings.get(rule)?.(of) ?? "unknown";
        assert.equal(
          evaluate({ application, ...subject }).outcome,
          referenceOutcome(policies, subject, judge),
        );
      },
    ),
    { numRuns: 20_000 },
  );
});

test("one decision names what it depends on: nothing else of the request changes it", () => {
  fc.assert(
    fc.property(
      fc.array(anyPolicy, { maxLength: 4 }),
      fc.constantFrom(...subjects),
      fc.constantFrom(...subjects),
      (all, subject, other) => {
        const application = applicationWith(all.map(policyOf), compiler());
        const names = namedByAny(application.policies.map(({ rules }) => rules.names));
        if (typeof subject.request === "string" || typeof other.request === "string") return;
        const changed: Subject = {
          principal: subject.principal,
          ip: names.address ? subject.ip : other.ip,
          country: names.country ? subject.country : other.country,
          request: {
            method: names.method ? subject.request.method : other.request.method,
            path: names.path ? subject.request.path : other.request.path,
          },
        };
        assert.equal(
          evaluate({ application, ...changed }).outcome,
          evaluate({ application, ...subject }).outcome,
        );
      },
    ),
    { numRuns: 5_000 },
  );
});
