// Groups as written → as evaluated. One that contains itself could never be judged.
import type { Group } from "../model/model.ts";
import type { NamedObjects } from "./object-names.ts";
import { type Names, readRuleSet } from "./read-rules.ts";
import { readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { group } from "./shapes.ts";
import { warnWithoutEffect } from "./without-effect.ts";

export function readGroups({ all }: NamedObjects, names: Names, report: Report): Group[] {
  const read = all.flatMap(({ id, item, path }) => {
    const written = readShape(group, item, path, report);
    const rules = readRuleSet(item, path, names, report);
    if (written === undefined) return [];
    warnWithoutEffect("groups", written, path, report);
    return { path, group: { id, name: written.name, ...rules } };
  });
  const inside = new Map(read.map(({ group: { id, ...rules } }) => [id, idsOfGroups(rules)]));
  for (const { path, group: each } of read) {
    if (contains(inside, each.id))
      report.problem(
        path,
        "contains itself, directly or through other groups; remove the group rule that leads back",
      );
  }
  return read.map((each) => each.group);
}

function idsOfGroups({ include, require, exclude }: Omit<Group, "id">): string[] {
  return [...include, ...require, ...exclude].flatMap(
    (rule) => (rule["group"] as { id: string } | undefined)?.id ?? [],
  );
}

/** Without recursion: nobody counts how deep groups lie in groups. */
function contains(inside: ReadonlyMap<string, string[]>, wanted: string): boolean {
  const seen = new Set<string>();
  const open = [...(inside.get(wanted) ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === wanted) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...(inside.get(id) ?? []));
  }
  return false;
}
