// The claims of the tokens (wire-protocol 2), and the checks that need no key: type, claims, times.
// The caller verifies the signature; nothing here makes a token trustworthy.
import type { CredentialScope } from "./credential-scope.ts";
import { ProtocolError } from "./errors.ts";

interface TimedClaims {
  iss: string;
  /** seconds since the epoch; `iat` and `exp` are always there */
  iat: number;
  exp: number;
  nbf?: number;
}

/** The session at the team domain: its cookie there, and the second token of a transfer. */
export interface OrgClaims extends TimedClaims {
  type: "org";
  aud: string[];
  sub: string;
  email: string;
  identity_nonce: string;
  terminal?: true;
  /** [ext] thumbprint of the key that a terminal's token is bound to (RFC 7800, RFC 9449 6.1) */
  cnf?: { jkt: string };
  /** half the hash of the browser's nonce on that host [ext] */
  browser?: string;
}

/**
 * A person's token for an application, or with `use` what its origin gets instead, which is no
 * credential. A service token's has `common_name` and neither `email` nor `identity_nonce`; a
 * person's has both and no `common_name`.
 */
export interface AppClaims extends TimedClaims {
  type: "app";
  aud: string[];
  sub: string;
  email?: string;
  common_name?: string;
  /** of a program with a token of another issuer: that token's `iss` and `sub` [ext] */
  workload?: { iss: string; sub: string };
  identity_nonce?: string;
  country?: string;
  custom?: Record<string, unknown>;
  terminal?: true;
  /** [ext] thumbprint of the key that a terminal's token is bound to (RFC 7800, RFC 9449 6.1) */
  cnf?: { jkt: string };
  /** half the hash of the browser's nonce on that host [ext] */
  browser?: string;
  /** of the application's tokens, where they were ever revoked [ext] */
  generation?: string;
  use?: "assertion";
  /** in an assertion for a pass: the URL prefix of the pass */
  htu?: string;
  /** in an assertion for a grant or another application: who acts in the person's name */
  act?: ActorClaim | LinkedActorClaim;
}

/** Who acts for the person of a token (RFC 8693 4.1), by a grant. */
export interface ActorClaim {
  /** id of the grant */
  grant: string;
  /** what the terminal that asked for it calls itself */
  sub?: string;
}

/** The application whose origin acts for the person of a token (RFC 8693 4.1) [ext]. */
export interface LinkedActorClaim {
  /** id of the application */
  application: string;
  /** what people call it */
  sub: string;
}

/** A credential for one URL prefix and at most ten minutes (wire-protocol 8). */
export interface PassClaims extends TimedClaims, CredentialScope {
  type: "pass";
  aud: string[];
  sub: string;
  identity_nonce: string;
  /** the URL prefix: scheme, host, port and canonical path */
  htu: string;
  /** names its count, where it has one */
  jti?: string;
  /** as in an application token [ext] */
  generation?: string;
}

/**
 * What a person's application token says, for a part of what that allows and in the hands of one
 * process (wire-protocol 8).
 */
export interface GrantClaims
  extends Omit<AppClaims, "type" | "common_name" | "terminal" | "browser" | "use" | "act">,
    CredentialScope {
  type: "grant";
  email: string;
  identity_nonce: string;
  /** the URL prefix: scheme, host and port, and a slash */
  htu: string;
  /** id of the grant, which names its count as well */
  jti: string;
  label?: string;
}

/** Describes the application that covers a host (wire-protocol 2, 6.1); has no `exp`. */
export interface MatchClaims {
  type: "match";
  hostname: string;
  /** host and port as asked in `Host` [ext] */
  authority?: string;
  auth_domain: string;
  aud: string;
  app_hostname: string;
  iat: number;
  /** the application takes its token as `Authorization: Bearer`, too (wire-protocol 3) */
  accept_bearer?: boolean;
  /** [ext] the application takes a terminal's token with a proof of possession alone */
  proof_of_possession?: boolean;
  transfer_url?: string;
  path_scope?: string;
  max_age?: number;
  login?: boolean;
}

/**
 * Carries what the gateway knew of an anonymous request to the login page. HS256: only the gateway
 * reads it.
 */
export interface MetaClaims {
  type: "meta";
  aud: string;
  hostname: string;
  redirect_url: string;
  iat: number;
  exp: number;
  /** hash of the browser's `CF_AppSession` */
  app_session: string;
}

/**
 * Seconds by which clocks may differ. Some minutes: a clock that is put right must not refuse what
 * was issued a moment ago, and an early start gains nobody anything. An end has no tolerance.
 */
export const clockTolerance = 5 * 60;

// Year 9999. A numeric date beyond it is garbage, not a long session (case T5).
const latestDate = 253_402_300_799;

/** Whether a claim is a date in seconds, up to the year 9999. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= latestDate;
}

/** Whether an optional `nbf` or `iat` is absent, or a date that has come. */
function hasCome(value: unknown, nowSeconds: number): boolean {
  return value === undefined || (isNumericDate(value) && value <= nowSeconds + clockTolerance);
}

/**
 * Checks the times of verified or merely decoded claims: `exp` is required and lies ahead, `nbf`
 * and `iat` are optional and do not. All are numbers up to the year 9999.
 * @param nowSeconds seconds since the epoch
 * @throws {ProtocolError} bad_claims | expired
 */
export function checkTimes(claims: Record<string, unknown>, nowSeconds: number): void {
  const { exp, nbf, iat } = claims;
  if (!isNumericDate(exp)) throw new ProtocolError("bad_claims", "the token has no usable expiry");
  if (!hasCome(nbf, nowSeconds))
    throw new ProtocolError("bad_claims", "the token is not valid yet");
  if (!hasCome(iat, nowSeconds))
    throw new ProtocolError("bad_claims", "the token was issued in the future");
  if (exp <= nowSeconds) throw new ProtocolError("expired", "the token has expired");
}

/** The claim `aud` as a list: RFC 7519 4.1.3 allows one string as well. */
function audiences(aud: unknown): string[] | undefined {
  if (typeof aud === "string") return [aud];
  if (!Array.isArray(aud) || !aud.every((each) => typeof each === "string")) return undefined;
  return aud;
}

type ClaimsType = "org" | "app" | "pass" | "grant";

/** The text claims that a token of this type must have, beside `iss`, `sub` and `aud`. */
function requiredClaims(type: ClaimsType, isServiceToken: boolean): string[] {
  switch (type) {
    case "org":
      return ["email", "identity_nonce"];
    case "app":
      return isServiceToken ? [] : ["email"];
    case "pass":
      return ["identity_nonce", "htu"];
    case "grant":
      return ["email", "identity_nonce", "htu", "jti"];
  }
}

/**
 * Reads `org`, `app`, `pass` and `grant` claims; `aud` may be a string or a list and is a list in
 * the result.
 * @throws {ProtocolError} bad_claims when the type differs, or a claim is missing or not a text
 */
export function readClaims(claims: Record<string, unknown>, type: "org"): OrgClaims;
export function readClaims(claims: Record<string, unknown>, type: "app"): AppClaims;
export function readClaims(claims: Record<string, unknown>, type: "pass"): PassClaims;
export function readClaims(claims: Record<string, unknown>, type: "grant"): GrantClaims;
export function readClaims(
  claims: Record<string, unknown>,
  type: ClaimsType,
): OrgClaims | AppClaims | PassClaims | GrantClaims {
  const aud = audiences(claims["aud"]);
  const required = ["iss", "sub", ...requiredClaims(type, claims["common_name"] !== undefined)];
  const complete = required.every((name) => typeof claims[name] === "string");
  if (claims["type"] !== type || aud === undefined || !complete)
    throw new ProtocolError("bad_claims", `not a token of type ${type}`);
  return { ...claims, aud } as unknown as OrgClaims | AppClaims | PassClaims | GrantClaims;
}

/**
 * Reads the claims of `cf-access-metadata`. The client checks times and hosts (wire-protocol 6.1).
 * @throws {ProtocolError} bad_claims
 */
export function readMatchClaims(claims: Record<string, unknown>): MatchClaims {
  for (const name of ["hostname", "auth_domain", "aud"]) {
    if (typeof claims[name] !== "string" || claims[name] === "") {
      throw new ProtocolError(
        "bad_claims",
        `the gateway's description of the application has no ${name}`,
      );
    }
  }
  if (claims["type"] !== "match" || !isNumericDate(claims["iat"])) {
    throw new ProtocolError("bad_claims", "the gateway's answer does not describe an application");
  }
  return claims as unknown as MatchClaims;
}
