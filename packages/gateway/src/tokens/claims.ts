// What stands in the tokens that we issue (wire-protocol 2). Pure: the catalog, the session and the
// time in, claims out. All times in tokens are whole seconds.
import type {
  AppClaims,
  CredentialScope,
  GrantClaims,
  MatchClaims,
  OrgClaims,
  PassClaims,
} from "@postern/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { defined } from "../defined.ts";
import type { LinkedApplication } from "../model/identity.ts";
import type { Application, Identity, Workload } from "../model/model.ts";
import type { StoredGrant, StoredSession } from "../storage/store.ts";
import { browserClaim } from "./bound-browser.ts";
import type { Generation } from "./generations.ts";

// Bytes. Browsers keep no cookie above 4 kB; the other claims and the signature need about half of
// it.
const longestCustomClaims = 1800;

/** What all claims depend on. */
export interface Issuance {
  catalog: Catalog;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  /** milliseconds since the epoch */
  now: number;
  /** of the tokens of the application that they are for */
  generation: Generation;
}

/**
 * The session at the team domain; lives as long as the session.
 * @param browser the nonce of the browser that gets it
 */
export function orgClaims(issuance: Issuance, session: StoredSession, browser?: string): OrgClaims {
  return {
    type: "org",
    iss: issuance.catalog.issuer,
    aud: [issuance.organizationTag],
    sub: session.user_id,
    email: session.identity.email,
    ...times(issuance.now, session.expires_at),
    identity_nonce: session.id,
    ...terminalClaim(session),
    ...browserClaim(browser),
  };
}

/**
 * A person's token for an application.
 * @param browser the nonce of the browser that gets it
 */
export function personClaims(
  issuance: Issuance,
  session: StoredSession,
  application: Application,
  lifetimeMs: number,
  browser?: string,
): AppClaims {
  const end = issuance.now + lifetimeMs;
  return {
    type: "app",
    iss: issuance.catalog.issuer,
    aud: [application.aud],
    sub: session.user_id,
    email: session.identity.email,
    ...times(issuance.now, endWithin(session, end)),
    identity_nonce: session.id,
    country: session.identity.country,
    ...customClaims(issuance.catalog, session.identity),
    ...terminalClaim(session),
    ...browserClaim(browser),
    ...generationClaim(issuance),
  };
}

/**
 * What an origin gets of a token: the same claims, marked as nobody's credential, and not dated in
 * the future where a clock was put back since.
 */
export function assertionClaims(
  { terminal, cnf, browser, ...claims }: AppClaims,
  now: number,
): AppClaims {
  const iat = Math.min(claims.iat, seconds(now));
  return { ...claims, iat, nbf: iat, use: "assertion" };
}

/**
 * What an application is told where the origin of another one acts for a person: no longer than
 * what that one was told.
 * @param shownExp of the assertion that it showed, seconds
 */
export function linkedClaims(
  issuance: Issuance,
  session: StoredSession,
  application: Application,
  { id, name }: LinkedApplication,
  shownExp: number,
): AppClaims {
  const lifetimeMs = shownExp * 1000 - issuance.now;
  const person = personClaims(issuance, session, application, lifetimeMs);
  const exp = Math.min(person.exp, shownExp);
  return { ...person, exp, act: { application: id, sub: name } };
}

/** A service token's claims; no session stands behind them. */
export function serviceClaims(
  issuance: Issuance,
  application: Application,
  clientId: string,
  lifetimeMs: number,
): AppClaims {
  return {
    type: "app",
    iss: issuance.catalog.issuer,
    aud: [application.aud],
    sub: "",
    common_name: clientId,
    ...times(issuance.now, issuance.now + lifetimeMs),
    country: "",
  };
}

/**
 * A workload's claims; no session stands behind them. `common_name` has the issuer before the
 * subject: a stranger's subject must not read like another program's client id.
 */
export function workloadClaims(
  issuance: Issuance,
  application: Application,
  { issuer, subject, expiresAt }: Workload,
  lifetimeMs: number,
): AppClaims {
  const end = Math.min(issuance.now + lifetimeMs, expiresAt);
  const claims = serviceClaims(issuance, application, `${issuer}#${subject}`, end - issuance.now);
  return { ...claims, workload: { iss: issuer, sub: subject } };
}

/** What narrows a pass. */
export interface PassScope extends CredentialScope {
  /** names its count in the store, where it has one */
  jti?: string;
}

/** @param htu the URL prefix that the pass is good for */
export function passClaims(
  issuance: Issuance,
  session: StoredSession,
  application: Application,
  htu: string,
  lifetimeMs: number,
  scope: PassScope = {},
): PassClaims {
  const end = issuance.now + lifetimeMs;
  return {
    type: "pass",
    iss: issuance.catalog.issuer,
    aud: [application.aud],
    sub: session.user_id,
    ...times(issuance.now, endWithin(session, end)),
    identity_nonce: session.id,
    htu,
    ...scope,
    ...generationClaim(issuance),
  };
}

/** @param session the grant's own */
export function grantClaims(
  issuance: Issuance,
  session: StoredSession,
  application: Application,
  { id, htu, scope, label, expires_at }: StoredGrant,
): GrantClaims {
  const lifetimeMs = expires_at - issuance.now;
  return {
    ...personClaims(issuance, session, application, lifetimeMs),
    type: "grant",
    email: session.identity.email,
    identity_nonce: session.id,
    htu,
    ...scope,
    jti: id,
    ...defined({ label: label ?? undefined }),
  };
}

/** What the application is told of a grant's person, and of who acts for them. */
export function grantedClaims(grant: GrantClaims): AppClaims {
  const { htu, methods, paths, count, jti, label, ...person } = grant;
  return { ...person, type: "app", act: { grant: jti, ...defined({ sub: label }) } };
}

/** What `cf-access-metadata` says beside what is described. */
export type MatchDescription = Omit<MatchClaims, "type" | "iat" | "auth_domain">;

export function matchClaims(issuance: Issuance, description: MatchDescription): MatchClaims {
  return {
    type: "match",
    ...description,
    auth_domain: new URL(issuance.catalog.issuer).host,
    iat: seconds(issuance.now),
  };
}

/** No token outlives the session that it stands for. */
function endWithin(session: StoredSession, end: number): number {
  return Math.min(end, session.expires_at);
}

function times(now: number, end: number): Pick<AppClaims, "iat" | "exp"> & { nbf: number } {
  return {
    iat: seconds(now),
    nbf: seconds(now),
    exp: seconds(end),
  };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

function generationClaim({ generation }: Issuance): Pick<AppClaims, "generation"> {
  return defined({ generation: generation ?? undefined });
}

function terminalClaim({ kind, jkt }: StoredSession): Pick<AppClaims, "terminal" | "cnf"> {
  return defined({
    terminal: kind === "terminal" ? (true as const) : undefined,
    cnf: jkt === null ? undefined : { jkt },
  });
}

/**
 * The provider's configured claims, in their order, as many as fit. The full set is at
 * `get-identity`.
 */
function customClaims(catalog: Catalog, identity: Identity): { custom?: Record<string, unknown> } {
  const names = configuredClaims(catalog, identity);
  if (names.length === 0) return {};

  const custom: Record<string, unknown> = {};
  let length = "{}".length;
  for (const name of names) {
    if (!Object.hasOwn(identity.oidc_fields, name)) continue;
    const value = identity.oidc_fields[name];
    length += Buffer.byteLength(JSON.stringify({ [name]: value }));
    if (length > longestCustomClaims) break;
    custom[name] = value;
  }
  return { custom };
}

function configuredClaims(catalog: Catalog, identity: Identity): readonly string[] {
  const config = catalog.identityProviders.get(identity.idp.id)?.config;
  if (config === undefined || !("claims" in config)) return [];
  return config.claims ?? [];
}
