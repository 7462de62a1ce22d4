// One rule as the API writes it: found in the table of kinds, and read. Kinds that Cloudflare has
// and this gateway does not, and those that nobody has heard of, are taken and fail closed; what is
// likely a slip is a mistake.
import { z } from "zod";
import { isMap } from "../read-value.ts";
import { choice } from "../values.ts";
import * as registered from "./index.ts";
import type { Rule, RuleKind } from "./rule.ts";
import { noSingleKind, type RuleComplaint, shapeFault, unknownKind } from "./rule-mistakes.ts";

/** The kinds that this gateway can judge, by name. */
export const ruleKinds: ReadonlyMap<string, RuleKind> = new Map(
  Object.values(registered).map((kind) => [kind.name, kind]),
);

/** Every kind of the Cloudflare API (access-features 4.3). */
export const cloudflareKinds: ReadonlySet<string> = new Set([
  "any_valid_service_token",
  "auth_context",
  "auth_method",
  "azureAD",
  "certificate",
  "cloudflare_account_member",
  "common_name",
  "device_posture",
  "email",
  "email_domain",
  "email_list",
  "everyone",
  "external_evaluation",
  "geo",
  "github-organization",
  "group",
  "gsuite",
  "ip",
  "ip_list",
  "linked_app_token",
  "login_method",
  "oidc",
  "okta",
  "saml",
  "service_token",
  "user_risk_score",
]);

/** A rule of a kind that this gateway can judge. */
export interface KnownRule {
  kind: RuleKind;
  value: unknown;
}

/** @returns undefined when it is not exactly one kind, or one that cannot be judged here */
export function knownRule(rule: unknown): KnownRule | undefined {
  const name = kindName(rule);
  const kind = name === undefined ? undefined : ruleKinds.get(name);
  if (name === undefined || kind === undefined) return undefined;
  return { kind, value: (rule as Rule)[name] };
}

/** The name of its kind, whatever that is; undefined when it has not exactly one key. */
export function kindName(rule: unknown): string | undefined {
  const [name, ...more] = isMap(rule) ? Object.keys(rule) : [];
  return more.length === 0 ? name : undefined;
}

/** key → the schema of a whole rule of that kind: complaints have the key in their path */
const knownSchemas = new Map(
  [...ruleKinds].map(([name, { schema }]) => [name, z.strictObject({ [name]: schema })]),
);

/** A rule that somebody wrote. */
export const rule = choice<Rule>((value) => {
  const name = kindName(value);
  if (name === undefined) return complaintSchema(noSingleKind(value, ruleKinds));
  const kind = ruleKinds.get(name);
  const schema = knownSchemas.get(name);
  if (kind === undefined || schema === undefined) return unjudgedSchema(name, value as Rule);
  const fault = shapeFault(kind, (value as Rule)[name], ruleKinds);
  return fault === undefined ? schema : complaintSchema(fault);
});

/** What is likely a slip is a mistake; anything else may be of a later version, and is kept. */
function unjudgedSchema(name: string, value: Rule): z.ZodType<Rule> {
  const slip = cloudflareKinds.has(name) ? undefined : unknownKind(name, value[name], ruleKinds);
  return slip === undefined ? opaqueRule : complaintSchema(slip);
}

/** A rule that was stored: of a later version, perhaps, whose kinds fail closed here. */
export const storedRule = choice<Rule>((value) => {
  const name = kindName(value);
  if (name === undefined)
    return complaintSchema({ path: [], what: "must hold exactly one kind of rule" });
  return knownSchemas.get(name) ?? opaqueRule;
});

/** A rule of a kind that cannot be judged here: kept as it is. */
const opaqueRule = z
  .record(z.string(), z.unknown())
  .transform((rule) =>
    Object.fromEntries(Object.entries(rule).map(([name, value]) => [name, value ?? {}])),
  );

function complaintSchema({ path, what, ...params }: RuleComplaint): z.ZodType<Rule> {
  return z.custom<Rule>(() => false, { path: [...path], message: what, params });
}
