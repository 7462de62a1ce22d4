// The `policies` of an application: links to reusable policies, by id or as `{id, precedence}`, or
// policies of its own. Which of them an entry is shows in what is there, so that complaints fit.
import { z } from "zod";
import { type Part, type Reference, withFields } from "./kind.ts";
import { inlinePolicy, type Policy, precedence, storedPolicy, toPolicy } from "./policy.ts";
import { isMap, itemsOf } from "./read-value.ts";
import { ruleReferences } from "./rules/rule-set.ts";
import { choice, identifier, readWith, someText } from "./values.ts";

/** A reusable policy, by id. */
export interface PolicyLink {
  id: string;
}

type OwnPolicy = z.infer<typeof inlinePolicy>;
type Precedence = { precedence?: number | undefined };
type PolicyEntry = OwnPolicy | (PolicyLink & Precedence);

const bareLink = someText.transform((id): PolicyEntry => ({ id }));
/** A link with a place of its own among the policies. */
export const policyLink = z.strictObject({ id: someText, precedence });

const entries = z.array(
  choice<PolicyEntry>((entry) => {
    if (typeof entry === "string") return bareLink;
    return isLink(entry) ? policyLink : inlinePolicy;
  }),
);

/** The list as somebody writes it; what is wrong with one entry hides nothing of the others. */
export const policyEntries = z.array(z.unknown()).transform((list, context): PolicyEntry[] => {
  for (const message of listFaults(list)) context.addIssue({ code: "custom", message });
  return readWith(entries, list, context);
});

/** A policy of an application as it is stored. */
export const storedPolicyEntry = choice<Policy | PolicyLink>((entry) =>
  isLink(entry) ? z.strictObject({ id: identifier }) : storedPolicy,
);

function isLink(entry: unknown): boolean {
  if (typeof entry === "string") return true;
  return isMap(entry) && Object.keys(entry).every((key) => key === "id" || key === "precedence");
}

function* listFaults(list: readonly unknown[]): Generator<string> {
  const numbers = list.map(precedenceOf).filter((number) => number !== undefined);
  if (numbers.length > 0 && numbers.length < list.length)
    yield "states precedence for some only; state it for all or none";
  if (new Set(numbers).size < numbers.length) yield "states the same precedence twice";
  if (new Set(list.map(isLink)).size > 1)
    yield "mixes policies of its own with reusable ones; move all of them to the top-level policies, or none";
}

function precedenceOf(entry: unknown): number | undefined {
  const number = isMap(entry) ? entry["precedence"] : undefined;
  return typeof number === "number" ? number : undefined;
}

/**
 * Stated precedence orders policies, else the list does; lower runs first (access-features 4.2).
 */
export function toPolicies(list: readonly PolicyEntry[]): (Policy | PolicyLink)[] {
  return inOrder(list).map((entry) => ("decision" in entry ? toPolicy(entry) : { id: entry.id }));
}

/** The numbers by which policies are ordered, in their order; undefined where none is stated. */
export function precedencesOf(list: readonly PolicyEntry[]): number[] | undefined {
  const numbers = inOrder(list).flatMap(({ precedence: number }) => number ?? []);
  return numbers.length === 0 ? undefined : numbers;
}

function inOrder(list: readonly PolicyEntry[]): PolicyEntry[] {
  return list
    .map((entry, index) => ({ entry, place: entry.precedence ?? index }))
    .sort((a, b) => a.place - b.place)
    .map(({ entry }) => entry);
}

/** The way back: the list as somebody would write it. */
export function toPolicyEntries(
  list: readonly (Policy | PolicyLink)[],
  precedences: readonly number[] = list.map((_entry, index) => index + 1),
): Record<string, unknown>[] {
  return list.map((entry, index) => ({ ...withFields(entry), precedence: precedences[index] }));
}

/** The policies that an application links to, and what its own refer to. */
export function policyReferences(application: unknown): Reference[] {
  return itemsOf(application, "policies").flatMap((entry, index): Reference[] => {
    const at = ["policies", index];
    if (typeof entry === "string") return [{ kind: "policy", at }];
    if (isLink(entry)) return [{ kind: "policy", at: [...at, "id"] }];
    return ruleReferences(entry).map((each) => ({ ...each, at: [...at, ...each.at] }));
  });
}

/** The policies of an application's own. */
export function ownPolicies(application: unknown): Part[] {
  return itemsOf(application, "policies").flatMap((entry, index) => {
    const isOwn = isMap(entry) && !isLink(entry);
    return isOwn ? [{ kind: "policy", at: ["policies", index] }] : [];
  });
}
