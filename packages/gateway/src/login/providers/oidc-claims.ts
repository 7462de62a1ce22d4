// From what an OpenID Provider states to an identity. What a provider does not vouch for does not
// count, and what it leaves out is unknown.
import { claimAt, isGroupsClaim, isPlain } from "../../model/claim-path.ts";
import type { OidcConfig } from "../../model/model.ts";
import { isMap } from "../../model/read-value.ts";
import type { SignInWarning } from "../../observe/events.ts";
import { type Claims, emailOf } from "./oidc-email.ts";
import type { SignInFailure, SignInResult } from "./provider.ts";

// Bounds what a provider can put into the store; far more than any organization has.
const groupLimit = 2_000;
const methodLimit = 32;
const nameLength = 256;
// Bytes of all claims that are kept of a person: people can write some of them at the provider
// themselves, and every session holds them.
const keptLength = 16 * 1024;

/** What a provider states about a person at one login. */
export interface Statement {
  /** of the verified ID token */
  idToken: Claims;
  userInfo: UserInfo;
}

/** What the userinfo endpoint says. `none`: the provider has no such endpoint. */
export type UserInfo =
  | { kind: "none" | "not_asked" }
  | { kind: "failed"; failure: SignInFailure }
  | { kind: "answered"; claims: Claims };

/** Who somebody is, by what the provider states; claims that stay unknown are warned of. */
export function identityFromClaims(
  config: OidcConfig,
  statement: Statement,
  { usesGroups, warn }: { usesGroups: boolean; warn: (warning: SignInWarning) => void },
): SignInResult {
  const { userInfo } = statement;
  const documents = documentsOf(statement);
  const email = emailOf(config, documents);
  // Where the address was to come from userinfo, what is wrong is userinfo.
  if (!email.ok && userInfo.kind === "failed") return userInfo.failure;
  if (!email.ok) return email;

  const kept = config.claims ?? [];
  const names = [...new Set([...kept, "groups"])];
  const known = names.filter((name) => isKnown(statement, name));
  const missing = names.filter(
    (name) => !known.includes(name) && (name !== "groups" || usesGroups),
  );
  if (missing.length > 0) warn(unknownClaims(missing, statement));

  const name = statedValue(documents, "name");
  const groups = readGroups(statedValue(documents, "groups"));
  if (!groups.isReadable && usesGroups) warn(unreadableGroups);
  const fields = pick(documents, kept);
  if (fields.excess.length > 0) warn(tooLongClaims(fields.excess));
  const hasAllGroups = groups.isReadable && groups.names.length <= groupLimit;
  return {
    ok: true,
    identity: {
      email: email.address,
      name: typeof name === "string" ? name.slice(0, nameLength) : "",
      groups: groups.names.slice(0, groupLimit),
      oidc_fields: fields.values,
      amr: stringsIn(statedValue(documents, "amr")).slice(0, methodLimit),
      known_claims: known.filter((each) => {
        if (fields.excess.includes(each)) return false;
        return !isGroupsClaim(each) || hasAllGroups;
      }),
    },
  };
}

/**
 * Whether the ID token alone leaves something out that policy or the configuration uses: then the
 * userinfo endpoint is asked.
 */
export function isIncomplete(config: OidcConfig, idToken: Claims, usesGroups: boolean): boolean {
  if (!hasEmail(config, idToken)) return true;
  const asksForGroups = config.scopes?.some(isGroupsClaim) === true;
  const names = [...(config.claims ?? [])];
  if (usesGroups || asksForGroups) names.push("groups");
  return names.some((name) => !states(idToken, name));
}

/** Whether somebody can sign in with the ID token alone, whatever else userinfo would add. */
export function hasEmail(config: OidcConfig, idToken: Claims): boolean {
  return emailOf(config, [idToken]).ok;
}

/** The ID token is signed, and wins where both speak. */
function documentsOf({ idToken, userInfo }: Statement): Claims[] {
  return userInfo.kind === "answered" ? [idToken, userInfo.claims] : [idToken];
}

/**
 * Whether the provider has said everything that it has about a claim: in one document whole, or not
 * at all where every document is here.
 */
function isKnown(statement: Statement, name: string): boolean {
  const { userInfo } = statement;
  const documents = documentsOf(statement);
  if (documents.some((document) => states(document, name))) return true;
  if (documents.some((document) => isLeftOut(document, name))) return false;
  return userInfo.kind === "none" || userInfo.kind === "answered";
}

function states(document: Claims, name: string): boolean {
  return !isLeftOut(document, name) && valueIn(document, name) !== undefined;
}

/**
 * Whether a document says that the claim, or what holds it, is elsewhere: distributed claims
 * (OpenID Connect Core 5.6.2), which Entra writes for people of many groups, and Entra's shorter
 * `hasgroups`.
 */
function isLeftOut(document: Claims, name: string): boolean {
  const { _claim_names: elsewhere } = document;
  if (isGroupsClaim(name) && isTrue(document["hasgroups"])) return true;
  return namesIn(elsewhere).some((key) => {
    if (isGroupsClaim(name)) return isGroupsClaim(key);
    return name === key || name.startsWith(`${key}.`);
  });
}

/** The claims that `_claim_names` names. Its keys do; some providers write a list or one name. */
function namesIn(elsewhere: unknown): string[] {
  if (isMap(elsewhere)) return Object.keys(elsewhere);
  return stringsIn(elsewhere);
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

/** The value of the first document that states the claim whole, else of one with a part of it. */
function statedValue(documents: readonly Claims[], name: string): unknown {
  const source = documents.find((document) => states(document, name));
  if (source !== undefined) return valueIn(source, name);
  const partial = documents.find((document) => valueIn(document, name) !== undefined);
  return partial === undefined ? undefined : valueIn(partial, name);
}

function valueIn(document: Claims, name: string): unknown {
  if (!isGroupsClaim(name)) return claimAt(document, name);
  const key = Object.keys(document).find(isGroupsClaim);
  return key === undefined ? undefined : document[key];
}

/**
 * The configured claims, under the names that the configuration writes, as many as fit.
 * @returns `excess` names those that do not
 */
function pick(
  documents: readonly Claims[],
  names: readonly string[],
): { values: Record<string, unknown>; excess: string[] } {
  const entries: [string, unknown][] = [];
  const excess: string[] = [];
  let length = 0;
  for (const name of names) {
    const value = statedValue(documents, name);
    if (value === undefined) continue;
    const valueLength = Buffer.byteLength(JSON.stringify(value));
    if (length + valueLength > keptLength) {
      excess.push(name);
      continue;
    }
    length += valueLength;
    entries.push([name, value]);
  }
  return { values: Object.fromEntries(entries), excess };
}

/** One string is a list of one; empty strings are nobody's group (case L11). */
function stringsIn(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === "string" && item !== "");
}

/** Names of groups; some providers number them. Maps in their place say something else. */
function readGroups(value: unknown): { names: string[]; isReadable: boolean } {
  const list: unknown[] = Array.isArray(value) ? value : [value ?? ""];
  const names = list.filter(isPlain).map(String).filter(Boolean);
  const isReadable = list.every(isPlain) && names.every(isShort);
  return { names: names.filter(isShort), isReadable };
}

function isShort(name: string): boolean {
  return name.length <= nameLength;
}

const unreadableGroups: SignInWarning = {
  warning: "claims_unknown",
  detail:
    "the provider's groups are not a list of names of at most 256 characters; list the claim that holds them in config.claims and write rules on a path in it, such as groups.name; rules on groups cannot be judged for this person",
  claims: ["groups"],
};

function tooLongClaims(claims: readonly string[]): SignInWarning {
  const list = claims.join(", ");
  const detail = `the claims kept for one person are limited to 16 kB: ${list} did not fit; list only a part of it in config.claims; rules on it cannot be judged for this person`;
  return { warning: "claims_unknown", detail, claims };
}

function unknownClaims(claims: readonly string[], { userInfo }: Statement): SignInWarning {
  const reason =
    userInfo.kind === "failed"
      ? "the request to the userinfo endpoint failed"
      : "the provider left them out and says they are elsewhere, as Entra does beyond its limit of groups";
  const detail = `${reason}; rules on ${claims.join(", ")} cannot be judged for this person`;
  return { warning: "claims_unknown", detail, claims };
}
