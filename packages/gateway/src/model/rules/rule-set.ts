// The three lists of rules that a group and a policy have: what they refer to, and what is hardly
// meant by them.
import { z } from "zod";
import type { Reference } from "../kind.ts";
import { type FieldPath, type Report, reportBelow } from "../problem.ts";
import { isMap, itemsOf } from "../read-value.ts";
import type { Atom } from "./atom.ts";
import { neverBoth, textOfAtom } from "./contradictions.ts";
import type { ObjectLookup, Rule } from "./rule.ts";
import { cloudflareKinds, kindName, knownRule, rule, ruleKinds, storedRule } from "./rule-kinds.ts";
import { noRuleList } from "./rule-mistakes.ts";

/** include: one of them; require: all of them; exclude: none of them (access-features 4.2). */
export interface RuleSet {
  include: Rule[];
  require: Rule[];
  exclude: Rule[];
}

const ruleLists = ["include", "require", "exclude"] as const satisfies (keyof RuleSet)[];

/** A list of rules; what stands in its place may be a rule itself, and is said how to write. */
function ruleList(list: z.ZodType<Rule[]>) {
  return z.preprocess((value, context) => {
    if (value === undefined || Array.isArray(value)) return value;
    const { what, ...params } = noRuleList(value, ruleKinds);
    context.addIssue({ code: "custom", message: what, params });
    return z.NEVER;
  }, list);
}

/** The fields as somebody writes them. */
export const ruleSetFields = {
  include: ruleList(
    z.array(rule).min(1, {
      message: "is empty; a policy or group that includes nobody is of no use. Add a rule",
    }),
  ),
  require: ruleList(z.array(rule)).default([]),
  exclude: ruleList(z.array(rule)).default([]),
};

/** The fields as they are stored: a list that is gone may be the one that kept somebody out. */
export const storedRuleSetFields = {
  include: z.array(storedRule),
  require: z.array(storedRule),
  exclude: z.array(storedRule),
};

/** The objects that the rules name. @param item what holds the lists, whatever else is wrong */
export function ruleReferences(item: unknown): Reference[] {
  return ruleLists.flatMap((list) =>
    itemsOf(item, list).flatMap((each, index) => ruleReference(each, [list, index])),
  );
}

function ruleReference(each: unknown, path: FieldPath): Reference[] {
  const { kind, value } = knownRule(each) ?? {};
  if (kind?.refersTo === undefined || !isMap(value)) return [];
  const { kind: object, id, name } = kind.refersTo;
  // A field of another name is a mistake in the rule, and is told as one.
  const isNamed = Object.hasOwn(value, id) || Object.hasOwn(value, name);
  if (!isNamed && Object.keys(value).length > 0) return [];
  return [{ kind: object, at: [...path, kind.name, id], name }];
}

/** Reports values that cannot be or are hardly meant, and kinds that cannot be judged here. */
export function checkRules(set: RuleSet, lookup: ObjectLookup, report: Report): void {
  for (const list of ruleLists) {
    set[list].forEach((each, index) => {
      const { kind, value } = knownRule(each) ?? {};
      if (kind !== undefined)
        kind.check?.(value, lookup, reportBelow(report, [list, index, kind.name]));
      else warnOfUnjudged(each, reportBelow(report, [list, index]));
    });
  }
  warnOfContradictions(set, report);
}

function warnOfUnjudged(each: Rule, report: Report): void {
  const name = kindName(each) ?? "";
  const what = cloudflareKinds.has(name)
    ? "cannot be judged by this gateway yet"
    : "is not a kind of rule that this gateway has heard of (docs/policies.md lists them)";
  report.warning([name], `${what}, so it fails closed: it lets nobody in and counts as an exclude`);
}

/** A rule with its place, as data. */
interface PlacedAtom {
  list: keyof RuleSet;
  index: number;
  atom: Atom;
}

/** Rules that each other one is compared with, at most: longer lists are made by programs. */
const mostCompared = 20;

/** Warns of rules that cannot hold beside another one of the same policy or group. */
function warnOfContradictions(set: RuleSet, report: Report): void {
  const [includes, requires, excludes] = [
    atomsIn(set, "include"),
    atomsIn(set, "require"),
    atomsIn(set, "exclude"),
  ];
  for (const [place, { list, index, atom }] of [...requires, ...includes].entries()) {
    const before = requires.slice(
      0,
      list === "require" ? Math.min(place, mostCompared) : mostCompared,
    );
    const other = before.find((each) => neverBoth(each.atom, atom));
    if (other !== undefined) report.warning([list, index], neverHolds(other));
  }
  const excluded = new Map<string, number>();
  for (const { index, atom } of excludes) {
    if (atom.of === "everyone")
      report.warning(["exclude", index], "excludes everybody, so that nobody is left");
    const said = textOfAtom(atom);
    if (!excluded.has(said)) excluded.set(said, index);
  }
  for (const { index, atom } of includes) {
    const other = excluded.get(textOfAtom(atom));
    if (other !== undefined && atom.of !== "everyone")
      report.warning(["include", index], `is taken back by exclude[${other}]`);
  }
}

function neverHolds({ index }: PlacedAtom): string {
  return `never holds beside require[${index}]: all rules of require must hold at once; where one of them is enough, put them into a group`;
}

/** What lists hold is not looked at: there are thousands. */
function atomsIn(set: RuleSet, list: keyof RuleSet): PlacedAtom[] {
  return set[list].flatMap((each, index) => {
    const { kind, value } = knownRule(each) ?? {};
    return kind === undefined ? [] : [{ list, index, atom: kind.atom(value, () => undefined) }];
  });
}
