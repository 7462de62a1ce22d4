// What a change does to people's access, as lines for people: for each application who gains and
// who loses, with an example of each.
import type { Decision } from "../model/model.ts";
import { nameWithId, type ObjectNames } from "../policy/object-names.ts";
import { isApplication, type Owner } from "./areas.ts";
import type { AccessComparison, ApplicationChange } from "./compare-access.ts";
import type { AccessExample } from "./compare-policies.ts";
import { addressIn } from "./member-subject.ts";
import { wrapped } from "./wrapped.ts";

/** What a comparison is told with. */
export interface ComparisonWords {
  names: ObjectNames;
  /** ids of the applications on each side */
  before: ReadonlySet<string>;
  after: ReadonlySet<string>;
}

/** The lines; one alone where nothing changes. */
export function comparisonLines(comparison: AccessComparison, words: ComparisonWords): string[] {
  const { changes, unchanged, undecidedHosts } = comparison;
  if (changes.length === 0 && undecidedHosts.length === 0) return ["Nobody gains or loses access."];
  const open = undecidedHosts.map((host) =>
    host === "*"
      ? "Not decided: hosts with wildcards overlap in too many ways to look at each."
      : `Not decided: paths at ${host} overlap in too many ways to look at each.`,
  );
  const isWhole = open.length === 0 && unchanged > 0;
  const others = isWhole ? [`Nobody gains or loses at the other applications (${unchanged}).`] : [];
  return [...changes.flatMap((change) => changeLines(change, words)), ...open, ...others];
}

function changeLines(change: ApplicationChange, words: ComparisonWords): string[] {
  const { gains, loses, isUndecided } = change;
  return [
    titleOf(change, words),
    ...gains.flatMap((example) => exampleLines("gains", example, change, words)),
    ...loses.flatMap((example) => exampleLines("loses", example, change, words)),
    ...(isUndecided ? ["  not decided: the policies name too much to compare"] : []),
  ];
}

/** Which application it is about, and which of its addresses, where that is not all of them. */
function titleOf({ before, after, url }: ApplicationChange, words: ComparisonWords): string {
  if (isApplication(before) && isApplication(after)) {
    const path = after.publicPath ?? before.publicPath;
    if (before.id === after.id)
      return path === undefined ? after.name : `${after.name}, public path ${path}`;
    return `${after.name}, at addresses that were of ${before.name} (${url})`;
  }
  if (isApplication(after)) {
    if (before === "refused") return `${after.name}, at addresses that were refused (${url})`;
    return words.before.has(after.id)
      ? `${after.name}, at new addresses (${url})`
      : `${after.name} (new)`;
  }
  if (!isApplication(before)) return url;
  if (after === "refused")
    return `${before.name}, at addresses that could now mean another application (${url})`;
  return words.after.has(before.id)
    ? `${before.name}, at addresses that it has no longer (${url})`
    : `${before.name} (gone)`;
}

function exampleLines(
  verb: "gains" | "loses",
  example: AccessExample,
  change: ApplicationChange,
  { names }: ComparisonWords,
): string[] {
  const before = answerOf(example.before, change.before);
  const after = answerOf(example.after, change.after);
  return [
    ...wrapped(`  ${verb}: ${describeExample(example, names)}`, 9),
    ...wrapped(`         ${before} before, ${after} now`, 9),
  ];
}

function answerOf(decision: Decision, owner: Owner): string {
  if (owner === "refused") return "refused";
  if (!("policy" in decision)) return decision.outcome;
  const { name, id } = decision.policy;
  return `${decision.outcome} by ${nameWithId(name, id)}`;
}

const nouns: Record<AccessExample["kind"], string> = {
  anonymous: "anybody, without a sign-in",
  person: "a person",
  service: "a service token",
  workload: "a program with a token of another issuer",
  linked: "the origin of another application",
};

type Wording = (value: string, names: ObjectNames) => string;

const wordings: Readonly<Record<string, Wording>> = {
  email: (value) => value,
  provider: (value, names) => `signed in with ${names.textOf("identity_provider", value)}`,
  service_token: (value, names) =>
    value === "another" ? "any that is valid" : names.textOf("service_token", value),
  linked_app: (value, names) => names.textOf("application", value),
  issuer: (value) => `of ${JSON.parse(value || "[]")[0] ?? "another issuer"}`,
  address: (value) => `from ${value}`,
  country: (value) => (value === "" ? "from an unknown country" : `in ${value}`),
  method: (value) => (value === "OTHER" ? "another method" : value),
  url: (value) => `at ${addressIn(value)}`,
};

/** Somebody, by what makes the difference: `a person: ada@example.com, from 10.0.0.1`. */
export function describeExample({ kind, member }: AccessExample, names: ObjectNames): string {
  const parts = [...member].flatMap(([dimension, value]) => partText(dimension, value, names));
  return parts.length === 0 ? nouns[kind] : `${nouns[kind]}: ${parts.join(", ")}`;
}

function partText(dimension: string, value: string, names: ObjectNames): string[] {
  const own = wordings[dimension];
  if (own !== undefined) return [own(value, names)];
  const [kind = "", ...rest] = dimension.split(" ");
  const named = rest.join(" ");
  if (kind === "amr") return [`${value === "yes" ? "with" : "without"} auth_method ${named}`];
  if (kind === "audience") return [`${value === "yes" ? "for" : "not for"} ${named}`];
  const [claim, text] = JSON.parse(named) as string[];
  if (text !== undefined) return [`${claim} ${value === "yes" ? "is" : "is not"} ${text}`];
  return value === "yes" ? [`${claim} not stated`] : [];
}
