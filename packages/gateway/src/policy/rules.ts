// One table: kind of rule → whether it holds (access-features 4.3). A rule has four answers, not
// two: somebody who has not signed in yet may turn out to match, and what this gateway cannot judge
// must never let anybody in.
import type { Group, Principal, Rule, RuleSet } from "../model/model.ts";
import { contains, type NetworkReading, parseAddress, parseNetwork } from "../network.ts";

/**
 * `after_login`: signing in may make it hold. `unknown`: cannot be judged, so it counts against the
 * asker.
 */
export type Match = "yes" | "no" | "after_login" | "unknown";

export interface RuleContext {
  principal: Principal;
  /** canonical text */
  ip: string;
  groups: ReadonlyMap<string, Group>;
  /** groups being looked into, outermost first: a group inside itself cannot be judged */
  within?: readonly string[];
}

type Value = Record<string, unknown>;
type Matcher = (value: Value, context: RuleContext) => Match;

const matchers: Record<string, Matcher> = {
  everyone: () => "yes",
  email: (value, context) =>
    ofPerson(context, (identity) => sameText(identity.email, value["email"])),
  email_domain: (value, context) =>
    ofPerson(context, (identity) =>
      sameText(identity.email.slice(identity.email.lastIndexOf("@") + 1), value["domain"]),
    ),
  login_method: (value, context) =>
    ofPerson(context, (identity) => identity.idp.id === value["id"]),
  oidc: (value, context) =>
    ofPerson(
      context,
      (identity) =>
        identity.idp.id === value["identity_provider_id"] && holdsClaim(identity, value),
    ),
  ip: (value, context) => matchIp(value, context.ip),
  group: (value, context) => matchGroup(value, context),
  service_token: (value, { principal }) =>
    yes(principal.kind === "service" && principal.tokenId === value["token_id"]),
  any_valid_service_token: (_value, { principal }) => yes(principal.kind === "service"),
};

/** The kinds that this gateway can judge; all others fail closed. */
export const ruleKinds: ReadonlySet<string> = new Set(Object.keys(matchers));

/**
 * Whether one rule holds. A rule that is not exactly one known kind with an object is `unknown`.
 */
export function matchRule(rule: Rule, context: RuleContext): Match {
  const entries = Object.entries(rule);
  const [kind, value] = entries[0] ?? [];
  if (entries.length !== 1 || kind === undefined || typeof value !== "object" || value === null)
    return "unknown";
  const matcher = Object.hasOwn(matchers, kind) ? matchers[kind] : undefined;
  return matcher === undefined ? "unknown" : matcher(value as Value, context);
}

/**
 * include: one of them; require: all of them; exclude: none of them (access-features 4.2). A
 * definite answer wins over a pending one, and what cannot be judged wins over what signing in may
 * still settle.
 */
export function matchRuleSet(set: RuleSet, context: RuleContext): Match {
  const parts = [
    strongest(
      set.include.map((rule) => matchRule(rule, context)),
      ["yes", "after_login", "unknown"],
    ),
    ...set.require.map((rule) => matchRule(rule, context)),
    ...set.exclude.map((rule) => opposite(matchRule(rule, context))),
  ];
  return strongest(parts, ["no", "unknown", "after_login"], "yes");
}

function strongest(
  matches: readonly Match[],
  order: readonly Match[],
  otherwise: Match = "no",
): Match {
  return order.find((match) => matches.includes(match)) ?? otherwise;
}

function opposite(match: Match): Match {
  return match === "yes" ? "no" : match === "no" ? "yes" : match;
}

function yes(holds: boolean): Match {
  return holds ? "yes" : "no";
}

type PersonIdentity = Extract<Principal, { kind: "person" }>["identity"];

/** A rule on identity: pending for somebody unknown, never true of a program. */
function ofPerson({ principal }: RuleContext, holds: (identity: PersonIdentity) => boolean): Match {
  if (principal.kind === "anonymous") return "after_login";
  return yes(principal.kind === "person" && holds(principal.identity));
}

function sameText(actual: string, wanted: unknown): boolean {
  return (
    typeof wanted === "string" && wanted !== "" && actual.toLowerCase() === wanted.toLowerCase()
  );
}

/**
 * Whole values only; a claim with several values holds when one of them does. Own properties only.
 */
function holdsClaim(identity: PersonIdentity, value: Value): boolean {
  const { claim_name: name, claim_value: wanted } = value;
  if (typeof name !== "string" || typeof wanted !== "string" || wanted === "") return false;
  const claim = Object.hasOwn(identity.oidc_fields, name)
    ? identity.oidc_fields[name]
    : name.toLowerCase() === "groups"
      ? identity.groups
      : undefined;
  const values: unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.some(
    (each) =>
      (typeof each === "string" || typeof each === "number" || typeof each === "boolean") &&
      String(each) === wanted,
  );
}

// Rules live as long as their configuration: each text is parsed once.
const networks = new WeakMap<Value, NetworkReading>();

function matchIp(value: Value, ip: string): Match {
  const reading = networks.get(value) ?? parseNetwork(String(value["ip"]));
  networks.set(value, reading);
  const address = parseAddress(ip);
  // An address or a range that cannot be read denies; it never skips the rule (case H5).
  if (!reading.ok || address === undefined) return "unknown";
  return yes(contains(reading.network, address));
}

function matchGroup(value: Value, context: RuleContext): Match {
  const { id } = value;
  const { within = [] } = context;
  const group = typeof id === "string" ? context.groups.get(id) : undefined;
  if (group === undefined || within.includes(group.id)) return "unknown";
  return matchRuleSet(group, { ...context, within: [...within, group.id] });
}
