// What a rule is, and what each kind of rule says about itself. A rule has four answers, not two:
// somebody who has not signed in yet may turn out to match, and what this gateway cannot judge must
// never let anybody in.
import type { z } from "zod";
import type { Identity, Principal } from "../identity.ts";
import type { Report } from "../problem.ts";

/**
 * A rule as the API writes it: exactly one key, its kind. Kinds that this gateway cannot judge are
 * stored as they are and fail closed.
 */
export type Rule = Record<string, unknown>;

/**
 * `after_login`: signing in may make it hold. `unknown`: it cannot be judged, so it counts against
 * whoever asks.
 */
export type Match = "yes" | "no" | "after_login" | "unknown";

/** Who asks, and from where. */
export interface Subject {
  principal: Principal;
  /** the client's address, canonical text */
  ip: string;
}

/** A rule, or a set of rules, compiled: ready to be judged on each request. */
export type Matcher = (subject: Subject) => Match;

/** What rules of a kind are about; a policy is warned of those that can never hold in it. */
export type RuleSubject = "people" | "programs" | "request" | "anything";

/** What a kind of rule says about itself. */
export interface RuleKind<Value = unknown> {
  /** the key in the rule */
  readonly name: string;
  readonly schema: z.ZodType<Value>;
  readonly about: RuleSubject;
  /** a value, for messages that say what to write */
  readonly example: object;
  /** the field that a lone text is meant for: `id` of `{group: engineering}` */
  readonly mainField?: string;
  readonly refersTo?: RuleReference;
  /** Makes a valid value ready; what can be worked out once is worked out here. */
  compile(value: Value, groups: GroupLookup): Matcher;
  /** Why this rule alone, in the `include` of an allow policy, lets in the world; or undefined. */
  admitsWorld?(value: Value, lookup: WorldLookup): string | undefined;
  /** Warns of a value that is hardly meant; paths begin at the value. */
  warnOf?(value: Value, lookup: ProviderLookup, report: Report): void;
}

/** The object that a rule names. */
export interface RuleReference {
  kind: "group" | "identity_provider" | "service_token";
  /** the field that has its id */
  id: string;
  /** the field that may have its name instead, in a file */
  name: string;
}

/** Compiled groups by id; one that is gone, or contains itself, answers `unknown`. */
export type GroupLookup = (id: string) => Matcher;

/** What can be asked to find out whether a rule lets in the world. */
export interface WorldLookup {
  /** why a group lets in the world */
  group(id: string): string | undefined;
  /** whether this identity provider mails a one-time PIN to any address */
  mailsPins(providerId: string): boolean;
}

/** What can be asked about identity providers. */
export interface ProviderLookup {
  /** the claims that a provider keeps; undefined when nothing is known of it */
  claimsOf(providerId: string): readonly string[] | undefined;
}

/** Gives a kind of rule its types. */
export function defineRule<Value>(kind: RuleKind<Value>): RuleKind<Value> {
  return kind;
}

/** The answer of a rule that can always be judged. */
export function yes(holds: boolean): Match {
  return holds ? "yes" : "no";
}

/** A rule about identity: pending for somebody unknown, never true of a program. */
export function ofPerson(holds: (identity: Identity) => boolean): Matcher {
  return judgePerson((identity) => yes(holds(identity)));
}

/** As `ofPerson`, of a rule that cannot be judged for everybody. */
export function judgePerson(judge: (identity: Identity) => Match): Matcher {
  return ({ principal }) => {
    if (principal.kind === "anonymous") return "after_login";
    return principal.kind === "person" ? judge(principal.identity) : "no";
  };
}
