// What a rule is, and what each kind of rule says about itself. A rule has four answers, not two:
// somebody who has not signed in yet may turn out to match, and what this gateway cannot judge must
// never let anybody in.
import type { z } from "zod";
import type { Identity, Principal } from "../identity.ts";
import type { CompiledList, ListType, ListValues } from "../list-values.ts";
import type { Report } from "../problem.ts";
import type { Atom } from "./atom.ts";

/**
 * A rule as the API writes it: exactly one key, its kind. Kinds that this gateway cannot judge are
 * stored as they are and fail closed.
 */
export type Rule = Record<string, unknown>;

/**
 * `pending`: what is not there yet may make it hold, be it a sign-in or a request. `unknown`: it
 * cannot be judged, so it counts against whoever asks.
 */
export type Match = "yes" | "no" | "pending" | "unknown";

/** Who asks, from where, and for what: plain data, so that a record of it can be judged as well. */
export interface Subject extends Circumstances {
  principal: Principal;
}

/** What is known of a request besides who sends it. */
export interface Circumstances {
  /** the client's address, canonical text */
  ip: string;
  /** where the address is, ISO 3166-1 alpha-2; undefined: unknown, or no policy asks */
  country: string | undefined;
  request: RequestLine | MissingRequest;
}

/** What is asked for. */
export interface RequestLine {
  method: string;
  /** canonical */
  path: string;
}

/**
 * Why there is no request to judge. `awaited`: somebody signs in, and each of their requests will
 * be judged by itself. `none`: what is decided opens more than requests, and nothing is judged
 * later.
 */
export type MissingRequest = "awaited" | "none";

/** A rule, or a set of rules, compiled: ready to be judged on each request. */
export type Matcher = (subject: Subject) => Match;

/** What rules of a kind are about; a policy is warned of those that can never hold in it. */
export type RuleSubject = "people" | "programs" | "workloads" | "request" | "anything";

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
  compile(value: Value, lookup: CompiledLookup): Matcher;
  /** The same as data. @param lists by id; undefined for one that is gone */
  atom(value: Value, lists: ListLookup): Atom;
  /** Why this rule alone, in the `include` of an allow policy, lets in the world; or undefined. */
  admitsWorld?(value: Value, lookup: WorldLookup): string | undefined;
  /** Reports a value that cannot be, or is hardly meant; paths begin at the value. */
  check?(value: Value, lookup: ObjectLookup, report: Report): void;
}

/** The object that a rule names. */
export interface RuleReference {
  kind: "application" | "group" | "identity_provider" | "list" | "service_token";
  /** the field that has its id */
  id: string;
  /** the field that may have its name instead, in a file */
  name: string;
}

/** What rules are compiled with. */
export interface CompiledLookup {
  /** a group by id; one that is gone, or contains itself, answers `unknown` */
  group(id: string): Matcher;
  /** a list by id; undefined for one that is gone */
  list(id: string): CompiledList | undefined;
}

/** Lists by id, for whoever needs their values alone. */
export type ListLookup = (id: string) => ListValues | undefined;

/** What can be asked to find out whether a rule lets in the world. */
export interface WorldLookup {
  /** why a group lets in the world */
  group(id: string): string | undefined;
  /** whether this identity provider mails a one-time PIN to any address */
  mailsPins(providerId: string): boolean;
}

/** What can be asked about the objects that a rule names. */
export interface ObjectLookup {
  /** the claims that a provider keeps; undefined when nothing is known of it */
  claimsOf(providerId: string): readonly string[] | undefined;
  /** undefined for a list that is gone, or whose shape is wrong */
  listType(listId: string): ListType | undefined;
  /** whether the country of an address can be looked up */
  knowsCountries: boolean;
}

/** Gives a kind of rule its types. */
export function defineRule<Value>(kind: RuleKind<Value>): RuleKind<Value> {
  return kind;
}

/** The answer of a rule that can always be judged. */
export function yes(holds: boolean): Match {
  return holds ? "yes" : "no";
}

/** A rule about identity: pending for somebody unknown, never true of a program by itself. */
export function ofPerson(holds: (identity: Identity) => boolean): Matcher {
  return judgePerson((identity) => yes(holds(identity)));
}

/** As `ofPerson`, of a rule that cannot be judged for everybody. */
export function judgePerson(judge: (identity: Identity) => Match): Matcher {
  return ({ principal }) => {
    if (principal.kind === "anonymous") return "pending";
    const isPerson = principal.kind === "person" || principal.kind === "linked";
    return isPerson ? judge(principal.identity) : "no";
  };
}

/**
 * A rule about what is asked for: pending while a request is awaited, and not to be judged where
 * none will come.
 */
export function ofRequest(judge: (request: RequestLine) => Match): Matcher {
  return ({ request }) => {
    if (request === "awaited") return "pending";
    return request === "none" ? "unknown" : judge(request);
  };
}
