// Groups: named sets of rules that policies and other groups use.
import { z } from "zod";
import { defined } from "../defined.ts";
import { defineKind, type World } from "./kind.ts";
import { objectsIn } from "./object-lookup.ts";
import {
  checkRules,
  type RuleSet,
  ruleReferences,
  ruleSetFields,
  storedRuleSetFields,
} from "./rules/rule-set.ts";
import { identifier, objectName, withoutEffect } from "./values.ts";
import { storedWithoutEffect, warnWithoutEffect, withoutEffectIn } from "./without-effect.ts";

const fields = z.strictObject({
  id: identifier,
  name: objectName,
  ...ruleSetFields,
  is_default: withoutEffect,
});

const stored = z
  .strictObject({
    id: identifier,
    name: objectName,
    ...storedRuleSetFields,
    ...storedWithoutEffect,
  })
  .transform(defined);

/** A group as it is stored and in force. */
export type Group = z.infer<typeof stored>;

/** Everything that makes a group valid. */
export const group = defineKind({
  name: "group",
  noun: "group",
  section: "groups",
  naming: "unique",
  schema: fields,
  fields,
  stored,
  references: ruleReferences,
  check(input, world, report) {
    warnWithoutEffect(fields, input, report);
    checkRules(input, objectsIn(world), report);
    if (containsItself(input, (id) => findGroup(world, id)))
      report.problem(
        [],
        "contains itself, directly or through other groups; remove the group rule that leads back",
      );
  },
  toObject(input) {
    const { id, name, include, require, exclude } = input;
    const without_effect = withoutEffectIn(fields, input);
    return defined({ id, name, include, require, exclude, without_effect });
  },
});

function findGroup(world: World, id: string): Group | undefined {
  return world.find(group, id);
}

/** Whether a group leads back to itself. Without recursion: nobody counts how deep groups lie. */
export function containsItself(
  start: { id: string } & RuleSet,
  find: (id: string) => RuleSet | undefined,
): boolean {
  const seen = new Set<string>();
  const open = groupsIn(start);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === start.id) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    const next = find(id);
    if (next !== undefined) open.push(...groupsIn(next));
  }
  return false;
}

/** The ids of the groups that a set of rules names. */
export function groupsIn({ include, require, exclude }: RuleSet): string[] {
  return [...include, ...require, ...exclude].flatMap((rule) => {
    const value = rule["group"] as { id: string } | undefined;
    return value?.id ?? [];
  });
}
