// Rules as written → rules as evaluated: checked, in canonical form, names turned into ids. Kinds
// that Cloudflare has and this gateway does not are kept and fail closed; kinds that nobody has are
// mistakes.
import type { Rule, RuleSet } from "../model/model.ts";
import type { FieldPath } from "./document.ts";
import { isMap, itemsOf, readShape } from "./read-shape.ts";
import { type Report, unknownField } from "./report.ts";
import { ruleShapes } from "./shapes.ts";

/** What names and ids stand for: id by either of the two. */
export interface Names {
  groups: ReadonlyMap<string, string>;
  identityProviders: ReadonlyMap<string, string>;
  serviceTokens: ReadonlyMap<string, string>;
}

const notJudgedHere: ReadonlySet<string> = new Set([
  "email_list",
  "ip_list",
  "geo",
  "auth_method",
  "azureAD",
  "auth_context",
  "github-organization",
  "gsuite",
  "okta",
  "saml",
  "certificate",
  "common_name",
  "linked_app_token",
  "external_evaluation",
  "device_posture",
  "user_risk_score",
  "cloudflare_account_member",
]);

/** @param item what holds the three lists: a group or a policy as it was written */
export function readRuleSet(item: unknown, path: FieldPath, names: Names, report: Report): RuleSet {
  const read = (part: keyof RuleSet) =>
    itemsOf(item, part).flatMap<Rule>(
      (rule, index) => readRule(rule, [...path, part, index], names, report) ?? [],
    );
  return { include: read("include"), require: read("require"), exclude: read("exclude") };
}

function readRule(rule: unknown, path: FieldPath, names: Names, report: Report): Rule | undefined {
  const [kind, ...more] = isMap(rule) ? Object.keys(rule) : [];
  if (!isMap(rule) || kind === undefined || more.length > 0) {
    report.problem(
      path,
      'must hold exactly one kind of rule; write it like {email: {email: "ada@example.com"}} or {everyone: {}}',
    );
    return undefined;
  }
  const value = rule[kind];
  if (notJudgedHere.has(kind)) {
    report.warning(
      [...path, kind],
      "cannot be judged by this gateway yet, so it fails closed: it lets nobody in and counts as an exclude",
    );
    return { [kind]: value ?? {} };
  }
  if (!Object.hasOwn(ruleShapes, kind)) {
    report.problem(
      [...path, kind],
      kind.includes(":")
        ? unknownField(kind)
        : "is not a kind of rule; docs/policies.md lists them",
    );
    return undefined;
  }
  if (value === undefined) {
    report.problem(
      [...path, kind],
      "has no value; write it like {email: {email: ada@example.com}} or {everyone: {}}",
    );
    return undefined;
  }
  const known = kind as keyof typeof ruleShapes;
  const read = readShape(ruleShapes[known], value, [...path, kind], report);
  return read && resolveNames(known, read, [...path, kind], names, report);
}

function resolveNames(
  kind: keyof typeof ruleShapes,
  value: Readonly<Record<string, string | undefined>>,
  path: FieldPath,
  names: Names,
  report: Report,
): Rule | undefined {
  const resolved = (
    asId: string,
    asName: string,
    known: ReadonlyMap<string, string>,
    what: string,
  ): string | undefined =>
    resolveReference({ [asId]: value[asId], [asName]: value[asName] }, path, known, what, report);
  switch (kind) {
    case "group": {
      const id = resolved("id", "name", names.groups, "group");
      return id === undefined ? undefined : { group: { id } };
    }
    case "login_method": {
      const id = resolved("id", "name", names.identityProviders, "identity provider");
      return id === undefined ? undefined : { login_method: { id } };
    }
    case "service_token": {
      const id = resolved("token_id", "name", names.serviceTokens, "service token");
      return id === undefined ? undefined : { service_token: { token_id: id } };
    }
    case "oidc": {
      const id = resolved(
        "identity_provider_id",
        "identity_provider",
        names.identityProviders,
        "identity provider",
      );
      const { claim_name, claim_value } = value;
      return id === undefined
        ? undefined
        : { oidc: { claim_name, claim_value, identity_provider_id: id } };
    }
    default:
      return { [kind]: value };
  }
}

function resolveReference(
  fields: Record<string, string | undefined>,
  path: FieldPath,
  known: ReadonlyMap<string, string>,
  what: string,
  report: Report,
): string | undefined {
  const given = Object.entries(fields).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const [first, second] = given;
  if (first === undefined || second !== undefined) {
    report.problem(path, `must name one ${what}, by ${Object.keys(fields).join(" or ")}`);
    return undefined;
  }
  const id = known.get(first[1]);
  if (id === undefined)
    report.problem(
      [...path, first[0]],
      `is not a ${what} of this file; correct the name, or add it`,
      first[1],
    );
  return id;
}
