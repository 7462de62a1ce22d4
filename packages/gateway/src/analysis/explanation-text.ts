// An explanation as lines for people: the answer, why, and then each policy with its rules, no
// wider than a terminal. Whatever is named has its id beside it.

import {
  type Explanation,
  missingFacts,
  type PolicyExplanation,
  type RuleExplanation,
} from "../policy/explain.ts";
import type { Facts } from "../policy/facts.ts";
import { type NamedKind, nameWithId, type ObjectNames } from "../policy/object-names.ts";
import { answerText, mismatchText, outcomeOf, whyText } from "../policy/reason-text.ts";
import { ruleText } from "../policy/rule-text.ts";
import type { PolicyWarnings } from "./policy-warnings.ts";
import { wrapped } from "./wrapped.ts";

/** The lines. @param about who asks for what */
export function explanationLines(
  about: string,
  explanation: Explanation,
  names: ObjectNames,
  warnings: PolicyWarnings = noWarnings,
): string[] {
  return [
    ...wrapped(`${about}: ${outcomeOf(explanation)}`, 2),
    ...wrapped(`Why: ${whyText(explanation, names)}`, 5),
    ...hintLines(explanation),
    ...explanation.policies.flatMap((policy) => [
      "",
      ...policyLines(policy, names),
      ...(warnings.get(policy.id) ?? []).flatMap((text) => wrapped(`  warning: ${text}`, 6)),
    ]),
  ];
}

const noWarnings: PolicyWarnings = new Map();

/** The flags that say what an answer depends on. */
const flags: Readonly<Record<string, string>> = {
  email: "--as",
  login_method: "--login-method",
  auth_methods: "--auth-method",
  service_token: "--service-token",
  ip: "--ip",
  country: "--country",
};

function hintLines({ result }: Explanation): string[] {
  if (result.isDecided) return [];
  const missing = missingFacts(result.missing).flatMap((name) => flagOf(name) ?? []);
  return missing.length === 0 ? [] : wrapped(`State ${missing.join(", ")} to know more.`, 2);
}

function flagOf(fact: string): string | undefined {
  const [kind, ...claim] = fact.split(".");
  return kind === "claims" ? `--claim ${claim.join(".")}=VALUE` : flags[fact];
}

function policyLines(policy: PolicyExplanation, names: ObjectNames): string[] {
  const { name, id, action, rules } = policy;
  const title = `Policy ${nameWithId(name, id)}, ${action}: ${effectText(policy, names)}`;
  return [...wrapped(title, 2), ...ruleLines(rules, "  ", names)];
}

function effectText(policy: PolicyExplanation, names: ObjectNames): string {
  switch (policy.effect) {
    case "decides":
      return "decides";
    case "not_reached":
      return "is not reached";
    case "not_for_asker":
      return policy.action === "non_identity" ? "is for programs" : "is for people";
    case "passed_over":
      return mismatchText(policy, names);
  }
}

function ruleLines(
  rules: readonly RuleExplanation[],
  indent: string,
  names: ObjectNames,
): string[] {
  return rules.flatMap(({ list, rule, match, facts, missing, group = [] }) => {
    const open = match === "not_stated" ? missing.map((name) => `${name} not stated`) : [];
    const values = [...factTexts(facts, names), ...open];
    const known = values.length === 0 ? "" : ` (${values.join(", ")})`;
    const line = `${indent}${list} ${ruleText(rule, names)}: ${answerText(match)}${known}`;
    return [...wrapped(line, indent.length + 4), ...ruleLines(group, `${indent}  `, names)];
  });
}

/** What a rule asked: `email ada@example.com`, `country unknown`. */
function factTexts(facts: Omit<Facts, "kind">, names: ObjectNames): string[] {
  const { login_method, service_token, linked_app, claims, request, workload, ...plain } = facts;
  return [
    ...Object.entries(plain).map(([name, value]) => `${name} ${plainText(value)}`),
    ...objectText("login_method", "identity_provider", login_method, names),
    ...objectText("service_token", "service_token", service_token, names),
    ...objectText("application", "application", linked_app, names),
    ...Object.entries(claims ?? {}).map(([name, values]) => `${name} ${plainText(values)}`),
    ...(workload === undefined ? [] : [`token of ${workload.issuer}`]),
    ...(typeof request === "object" ? [`${request.method} ${request.path}`] : []),
    ...(typeof request === "string" ? ["no request yet"] : []),
  ];
}

/** By name: the id stands beside it in the rule, where that is about the same object. */
function objectText(
  name: string,
  kind: NamedKind,
  id: string | undefined,
  names: ObjectNames,
): string[] {
  if (id === undefined) return [];
  const own = names.of(kind, id);
  return [`${name} ${own === undefined ? id : JSON.stringify(own)}`];
}

function plainText(value: unknown): string {
  if (value === null) return "unknown";
  if (!Array.isArray(value)) return String(value);
  const texts = value.map((each) => (each === null ? "something that cannot be judged" : each));
  return texts.length === 0 ? "none" : texts.join(", ");
}
