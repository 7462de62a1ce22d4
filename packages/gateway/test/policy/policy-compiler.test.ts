// What an edit compiles anew: what it changed, and what uses that. Nobody is judged by a group as
// it was.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Group, Policy, Rule } from "../../src/model/model.ts";
import type { Match } from "../../src/model/rules/rule.ts";
import { explain } from "../../src/policy/explain.ts";
import type { PolicyCompiler } from "../../src/policy/policy-compiler.ts";
import { compilerOf, subjectOf } from "./subjects.ts";

const here = subjectOf({ kind: "anonymous" }, { ip: "10.0.0.1" });
const inside: Rule = { ip: { ip: "10.0.0.0/8" } };
const outside: Rule = { ip: { ip: "192.0.2.0/24" } };
const inGroup = (id: string): Rule => ({ group: { id } });

function group(id: string, ...include: Rule[]): Group {
  return { id, name: id, include, require: [], exclude: [] };
}

function policy(...include: Rule[]): Policy {
  return { id: "p", name: "p", decision: "allow", include, require: [], exclude: [] };
}

function compilerFor(groups: Group[], earlier?: PolicyCompiler): PolicyCompiler {
  return compilerOf(groups, [], earlier);
}

test("an edit of one group compiles the policies that use it, through other groups too, and no others", () => {
  const users = [policy(inGroup("inner")), policy(inGroup("outer"))];
  const others = [policy(inside), policy(inGroup("other"))];
  const outer = group("outer", inGroup("inner"));
  const other = group("other", inside);
  const before = compilerFor([group("inner", outside), outer, other]);
  const compiled = [...users, ...others].map((each) => before.compile(each));
  assert.deepEqual(
    compiled.map(({ matches }) => matches(here)),
    ["no", "no", "yes", "yes"] satisfies Match[],
  );

  const after = compilerFor([group("inner", inside), outer, other], before);
  const again = [...users, ...others].map((each) => after.compile(each));
  after.finish();
  assert.deepEqual(
    again.map(({ matches }) => matches(here)),
    ["yes", "yes", "yes", "yes"] satisfies Match[],
  );
  assert.deepEqual(
    again.map((each, index) => each === compiled[index]),
    [false, false, true, true],
  );
});

test("a group that was missing, or led back to itself, is judged as soon as it can be", () => {
  const one = policy(inGroup("a"));
  const a = group("a", inside, inGroup("b"));
  const b = group("b", inGroup("a"));
  const steps: [groups: Group[], answer: Match][] = [
    [[], "unknown"],
    [[a], "yes"],
    [[a, b], "unknown"],
    [[a, group("b", outside)], "yes"],
    [[a, b], "unknown"],
    [[b], "unknown"],
  ];
  let compiler: PolicyCompiler | undefined;
  for (const [groups, answer] of steps) {
    compiler = compilerFor(groups, compiler);
    assert.equal(compiler.compile(one).matches(here), answer);
  }
});

test("groups that lie a thousand deep are compiled and judged", () => {
  const depth = 1_000;
  const chain = Array.from({ length: depth }, (_, nth) => group(`${nth}`, inGroup(`${nth + 1}`)));
  const within = compilerFor([...chain, group(`${depth}`, inside)]);
  assert.equal(within.compile(policy(inGroup("0"))).matches(here), "yes" satisfies Match);

  const without = compilerFor([...chain, group(`${depth}`, outside)], within);
  assert.equal(without.compile(policy(inGroup("0"))).matches(here), "no" satisfies Match);
});

test("groups that name each next one twice are judged once each, and explained within bounds", () => {
  const depth = 60;
  const twice = (nth: number): Group => ({
    ...group(`${nth}`, inGroup(`${nth + 1}`), inGroup(`${nth + 1}`)),
    exclude: nth % 2 === 0 ? [] : [outside],
  });
  const levels = Array.from({ length: depth }, (_, nth) => twice(nth));
  for (const [last, answer] of [
    [inside, "yes"],
    [outside, "no"],
  ] as const) {
    const compiler = compilerFor([...levels, group(`${depth}`, last)]);
    const compiled = compiler.compile(policy(inGroup("0")));
    assert.equal(compiled.matches(here), answer);
    assert.equal(compiled.matches({ ...here }), answer);
    const { policies } = explain([compiled], { kind: "anonymous" });
    assert.ok(JSON.stringify(policies).length < 1_000_000);
    assert.equal(policies[0]?.match, "not_stated");
  }
});
