// What a change does to people's access, as lines for people: for each application who gains and
// who loses, with an example of each.
import type { Decision } from "../model/model.ts";
import type { AccessComparison, ApplicationChange } from "./compare-access.ts";
import type { AccessExample } from "./compare-policies.ts";

/** The lines; one alone where nothing changes. */
export function comparisonLines({ changes, unchanged, isUndecided }: AccessComparison): string[] {
  const others = unchanged === 0 ? [] : [`Nobody gains or loses elsewhere (${unchanged}).`];
  if (changes.length === 0 && !isUndecided) return ["Nobody gains or loses access."];
  const open = isUndecided
    ? ["Not decided: hosts or paths overlap in too many ways; not every address was compared."]
    : [];
  return [...changes.flatMap(changeLines), ...open, ...(isUndecided ? [] : others)];
}

function changeLines(change: ApplicationChange): string[] {
  const { gains, loses, isUndecided } = change;
  const open = isUndecided ? ["  not decided: the policies name too much to compare"] : [];
  return [
    titleOf(change),
    ...gains.map((example) => `  gains: ${exampleText(example)}`),
    ...loses.map((example) => `  loses: ${exampleText(example)}`),
    ...open,
  ];
}

function titleOf({ before, after }: ApplicationChange): string {
  if (before === undefined) return `${after?.name} (new)`;
  if (after === undefined) return `${before.name} (gone)`;
  const path = after.publicPath ?? before.publicPath;
  if (before.name === after.name)
    return path === undefined ? after.name : `${after.name}, public path ${path}`;
  return `${after.name} (was ${before.name})`;
}

function exampleText(example: AccessExample): string {
  const { before, after } = example;
  return `${describeExample(example)}; ${answerOf(before)} before, ${answerOf(after)} now`;
}

function answerOf(decision: Decision): string {
  return "policy" in decision
    ? `${decision.outcome} by "${decision.policy.name}"`
    : decision.outcome;
}

const nouns: Record<AccessExample["kind"], string> = {
  anonymous: "anybody, without a sign-in",
  person: "a person",
  service: "a service token",
  workload: "a program with a token of another issuer",
  linked: "the origin of another application",
};

const words: Readonly<Record<string, (value: string) => string>> = {
  email: (value) => value,
  provider: (value) => `signed in with ${value}`,
  service_token: (value) => value,
  linked_app: (value) => value,
  issuer: (value) => `of ${JSON.parse(value || "[]")[0] ?? "another issuer"}`,
  address: (value) => `from ${value}`,
  country: (value) => (value === "" ? "from an unknown country" : `from ${value}`),
  method: (value) => value,
  url: (value) => `at ${value}`,
};

/** Somebody, by what makes the difference: `a person: ada@example.com, from 10.0.0.1`. */
export function describeExample({ kind, member }: AccessExample): string {
  const parts = [...member].flatMap(([dimension, value]) => partText(dimension, value));
  return parts.length === 0 ? nouns[kind] : `${nouns[kind]}: ${parts.join(", ")}`;
}

function partText(dimension: string, value: string): string[] {
  const own = words[dimension];
  if (own !== undefined) return [own(value)];
  const [kind = "", ...rest] = dimension.split(" ");
  const named = rest.join(" ");
  if (kind === "amr" || kind === "audience")
    return [`${value === "yes" ? "with" : "without"} ${kind} ${named}`];
  const [claim, text] = JSON.parse(named) as string[];
  if (text !== undefined) return [`${claim} ${value === "yes" ? "is" : "is not"} ${text}`];
  return value === "yes" ? [`${claim} not stated`] : [];
}
