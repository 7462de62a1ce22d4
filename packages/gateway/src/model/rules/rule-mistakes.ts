// What to write in the place of a rule that has another shape: the likeliest mistakes of a policy
// are `everyone` as a bare word, `{group: engineering}`, and two kinds in one map. The person's own
// values are in the answer.
import { nearestWord } from "@postern/protocol/nearest-word";
import { flowText } from "../flow-text.ts";
import type { FieldPath, ProblemDetails, Remedy } from "../problem.ts";
import { isMap, unknownField } from "../read-value.ts";
import type { Rule, RuleKind } from "./rule.ts";

type Kinds = ReadonlyMap<string, RuleKind>;

/** What is wrong with a rule; the path begins at the rule. */
export interface RuleComplaint extends ProblemDetails {
  path: FieldPath;
  what: string;
}

const generalExample =
  'write it like {email: {email: "ada@example.com"}}, {group: {id: engineering}} or {everyone: {}}';

/** What is wrong with something that has not exactly one key. */
export function noSingleKind(value: unknown, kinds: Kinds): RuleComplaint {
  const what = "must hold exactly one kind of rule";
  const names = isMap(value) ? Object.keys(value) : [];
  if (isMap(value) && names.length > 1 && names.every((name) => kinds.has(name))) {
    const example = "write each as an item of its own";
    const apart = names.map((name) => ruleText(value[name], kinds.get(name)));
    const note = "in include one of them is enough, in require all must hold";
    const own = apart.includes(undefined) ? example : `write ${apart.join(" and ")} as two items`;
    return { path: [], what, remedy: { own: `${own}: ${note}`, example: `${example}: ${note}` } };
  }
  const meant = typeof value === "string" ? ruleMeantBy(value, kinds) : undefined;
  const own = meant && flowText(meant);
  const remedy = remedyOf(own, generalExample);
  if (typeof value !== "string") return { path: [], what, remedy };
  return { path: [], what: "is not a map with exactly one kind of rule", value, remedy };
}

/** What is wrong with the one key of a rule, where it is likely a slip; else undefined. */
export function unknownKind(name: string, value: unknown, kinds: Kinds): RuleComplaint | undefined {
  if (name.includes(":")) return { path: [name], what: unknownField(name) };
  const kind = kinds.get(otherNames[name.toLowerCase()] ?? "") ?? kindNear(name, kinds);
  const what = "is not a kind of rule";
  const isWord = /^[A-Za-z][\w-]*$/.test(name);
  if (kind === undefined && isWord) return undefined;
  if (kind === undefined) return { path: [name], what: `${what}; docs/policies.md lists them` };
  const example = `do you mean ${kind.name}? Write it like ${textOf(kind, kind.example)}`;
  const text = ruleText(value, kind);
  const own = text === undefined ? example : `do you mean ${kind.name}? Write ${text}`;
  return { path: [name], what, remedy: { own, example } };
}

/** What is wrong with the shape of a rule's value; undefined where its fields may be looked at. */
export function shapeFault(
  kind: RuleKind,
  value: unknown,
  kinds: Kinds,
): RuleComplaint | undefined {
  const path = [kind.name];
  const example = `write it like ${textOf(kind, kind.example)}`;
  const isPlain = Object.keys(kind.example).length === 0;
  if (value === undefined || value === null) return { path, what: `has no value; ${example}` };
  if (isPlain && value === false) return { path, what: "cannot be switched off; remove the rule" };
  if (Array.isArray(value))
    return { path, what: "must be a map of fields, not a list", remedy: listRemedy(kind, value) };

  const rewritten = rewrite(kind, value);
  if (rewritten === undefined && isMap(value)) return undefined;
  const own = rewritten === undefined ? otherRule(value, kinds) : textOf(kind, rewritten);
  const remedy = remedyOf(own, example);
  if (isPlain) return { path, what: "takes no value", remedy };
  const [field] = isMap(value) ? Object.keys(value) : [];
  if (field === undefined) return { path, what: "must be a map of fields", remedy };
  return { path: [...path, field], what: "unknown field", remedy };
}

/** A rule of another kind that a text fits: a domain below `email`. */
function otherRule(value: unknown, kinds: Kinds): string | undefined {
  if (typeof value !== "string" || !isAddress(value)) return undefined;
  return flowText(ruleMeantBy(value, kinds));
}

/** What is wrong with something that stands in the place of a list of rules. */
export function noRuleList(value: unknown, kinds: Kinds): Omit<RuleComplaint, "path"> {
  const example =
    "write each rule in brackets, or after a dash: [{email_domain: {domain: example.com}}]";
  const rule = isMap(value) ? value : ruleMeantBy(String(value), kinds);
  const parts = Object.entries(rule ?? {}).map(([name, each]) => ruleText(each, kinds.get(name)));
  const isComplete = parts.length > 0 && !parts.includes(undefined);
  const own = isComplete ? `[${parts.join(", ")}]` : undefined;
  return { what: "must be a list of rules", remedy: remedyOf(own, example) };
}

function remedyOf(own: string | undefined, example: string): Remedy {
  return { own: own === undefined ? example : `write ${own}`, example };
}

function listRemedy(kind: RuleKind, items: readonly unknown[]): Remedy {
  const example = `write a rule for each item, like ${textOf(kind, kind.example)}`;
  const texts = items.map((item) => ruleText(item, kind));
  if (items.length === 0 || items.length > 3 || texts.includes(undefined))
    return { own: example, example };
  return { own: `write ${texts.join(", ")}`, example };
}

/** `{group: {id: engineering}}`, however its value was written; undefined for what is not clear. */
function ruleText(value: unknown, kind: RuleKind | undefined): string | undefined {
  if (kind === undefined) return undefined;
  return textOf(kind, rewrite(kind, value) ?? value);
}

function textOf({ name }: RuleKind, value: unknown): string | undefined {
  return isMap(value) ? flowText({ [name]: value }) : undefined;
}

/**
 * The value of a rule that was written as a lone text, or below a field of another name; undefined
 * for one that has its fields, or whose meaning is not clear.
 */
function rewrite(kind: RuleKind, value: unknown): object | undefined {
  const { mainField, example } = kind;
  if (Object.keys(example).length === 0) return isEmptyMap(value) ? undefined : {};
  if (mainField === undefined) return undefined;
  if (!isMap(value)) return scalarValue(kind, mainField, value);
  const [field = "", ...more] = Object.keys(value);
  const isOwnField = field === mainField || field === kind.refersTo?.name;
  return more.length > 0 || isOwnField ? undefined : scalarValue(kind, mainField, value[field]);
}

function scalarValue(kind: RuleKind, field: string, value: unknown): object | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const bare = text.trim().replace(/^\*?[@.]/, "");
  return [text.trim(), bare].map((each) => ({ [field]: each })).find((each) => isOf(kind, each));
}

function isOf(kind: RuleKind, value: object): boolean {
  return kind.schema.safeParse(value).success;
}

function isEmptyMap(value: unknown): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

/** The rule that a bare word or an address is likely meant to be. */
function ruleMeantBy(text: string, kinds: Kinds): Rule | undefined {
  if (isAddress(text)) {
    for (const name of ["email", "ip", "email_domain"]) {
      const kind = kinds.get(name);
      const value = kind?.mainField && scalarValue(kind, kind.mainField, text);
      if (value) return { [name]: value };
    }
    return undefined;
  }
  const kind = kinds.get(otherNames[text.toLowerCase()] ?? "") ?? kindNear(text, kinds);
  return kind && { [kind.name]: kind.example };
}

/** Whether a text is hardly a name: addresses, networks and domains have these characters. */
function isAddress(text: string): boolean {
  return /[@.:/]/.test(text);
}

function kindNear(name: string, kinds: Kinds): RuleKind | undefined {
  return kinds.get(nearestWord(name, kinds.keys()) ?? "");
}

/** What people call a kind of rule, or write instead of one, that is not near its name. */
const otherNames: Readonly<Record<string, string>> = {
  address: "email",
  all: "everyone",
  any: "everyone",
  anybody: "everyone",
  anyone: "everyone",
  cidr: "ip",
  claim: "oidc",
  everybody: "everyone",
  id: "group",
  identity_provider: "login_method",
  idp: "login_method",
  mail: "email",
  name: "group",
  network: "ip",
  provider: "login_method",
  public: "everyone",
  team: "group",
  token: "service_token",
  token_id: "service_token",
  user: "email",
  users: "email",
};
