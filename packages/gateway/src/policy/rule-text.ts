// A rule in a few words, for people: its kind, and what it is about, by name.
import type { Rule } from "../model/model.ts";
import { isMap } from "../model/read-value.ts";
import { kindName, knownRule } from "../model/rules/rule-kinds.ts";
import type { NamedKind, ObjectNames } from "./object-names.ts";

/** Texts are cut behind this many characters. */
const longestValue = 60;

/** `email_domain example.com`, `group "Staff" (5d4036…)`, `oidc groups=eng of "SSO" (corp)`. */
export function ruleText(rule: Rule, names: ObjectNames): string {
  const { kind, value } = knownRule(rule) ?? {};
  const name = kindName(rule) ?? "rule";
  if (kind === undefined || !isMap(value)) return name;
  const { refersTo, mainField } = kind;
  const object = refersTo && objectText(names, refersTo.kind, value[refersTo.id]);
  if (name === "oidc") return `${name} ${claimText(value)} of ${object}`;
  if (name === "oidc_token")
    return `${name} of ${shown(value["issuer"])}${claimsText(value["claims"])}`;
  if (object !== undefined) return `${name} ${object}`;
  return mainField === undefined ? name : `${name} ${shown(value[mainField])}`;
}

function objectText(names: ObjectNames, kind: NamedKind, id: unknown): string {
  return typeof id === "string" ? names.textOf(kind, id) : kind;
}

function claimText({ claim_name, claim_value }: Record<string, unknown>): string {
  return `${shown(claim_name)}=${shown(claim_value)}`;
}

/** `, repository=acme/shop` for each claim. */
function claimsText(claims: unknown): string {
  if (!isMap(claims)) return "";
  return Object.entries(claims)
    .map(([name, value]) => `, ${name}=${shown(value)}`)
    .join("");
}

function shown(value: unknown): string {
  const text = [value].flat().map(String).join(" or ");
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
