// What policy tests need of rules and of whoever asks: compiled policies by the real compiler, and
// requests of which only what a test is about is written down.
import type { Group, List, Policy, Principal } from "../../src/model/model.ts";
import type { Circumstances, Subject } from "../../src/model/rules/rule.ts";
import { PolicyCompiler } from "../../src/policy/policy-compiler.ts";

/** A compiler for rules that name these groups and lists. */
export function compilerOf(
  groups: readonly Group[] = [],
  lists: readonly List[] = [],
  earlier?: PolicyCompiler,
): PolicyCompiler {
  return new PolicyCompiler({ groups: byId(groups), lists: byId(lists) }, earlier);
}

function byId<Each extends { id: string }>(objects: readonly Each[]): ReadonlyMap<string, Each> {
  return new Map(objects.map((each) => [each.id, each]));
}

/** An application that has these policies. */
export function applicationWith(policies: readonly Policy[], compiler = compilerOf()) {
  return { policies: policies.map((each) => compiler.compile(each)) };
}

/** Somebody who asks for `GET /` from 192.0.2.7, of which no country is known. */
export function subjectOf(principal: Principal, more: Partial<Circumstances> = {}): Subject {
  const request = { method: "GET", path: "/" };
  return { principal, ip: "192.0.2.7", country: undefined, request, ...more };
}
