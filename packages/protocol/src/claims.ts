// Shapes of the tokens (wire-protocol 2), and the checks that need no key: structure, type, times.
// Verifying a signature is the caller's business; nothing here makes a token trustworthy.
import { ProtocolError } from "./errors.ts";

interface TimedClaims {
  iss: string;
  /** seconds since the epoch; `iat` and `exp` are always there */
  iat: number;
  exp: number;
  nbf?: number;
}

/** Global session: cookie on the team domain, second half of the transfer. */
export interface OrgClaims extends TimedClaims {
  type: "org";
  aud: string[];
  sub: string;
  email: string;
  identity_nonce: string;
  terminal?: true;
}

/**
 * What the origin gets. `email` and `identity_nonce` are absent for a service token, `common_name`
 * for a person.
 */
export interface AppClaims extends TimedClaims {
  type: "app";
  aud: string[];
  sub: string;
  email?: string;
  common_name?: string;
  identity_nonce?: string;
  country?: string;
  custom?: Record<string, unknown>;
  terminal?: true;
}

/** A credential for one URL prefix and at most ten minutes (wire-protocol 8). */
export interface PassClaims extends TimedClaims {
  type: "pass";
  aud: string[];
  sub: string;
  identity_nonce: string;
  /** the URL prefix: scheme, host, port and canonical path */
  htu: string;
}

/** Names the application that covers a host (wire-protocol 2, 6.1); carries no `exp`. */
export interface MatchClaims {
  type: "match";
  hostname: string;
  auth_domain: string;
  aud: string;
  app_hostname: string;
  iat: number;
  transfer_url?: string;
  path_scope?: string;
  max_age?: number;
  login?: boolean;
}

/**
 * Carries what the gateway knew of an anonymous request to the login page; HS256, read by us alone.
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

export interface DecodedToken {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
}

/** Longer than any token we issue; more is refused before it is decoded. */
export const maxTokenLength = 16_384;

/**
 * Takes a compact JWS apart without verifying it.
 * @throws {ProtocolError} bad_token when it is not three base64url parts around two JSON objects
 */
export function decodeToken(token: string): DecodedToken {
  const parts = token.length > maxTokenLength ? [] : token.split(".");
  const [header, payload, signature] = parts;
  if (
    parts.length !== 3 ||
    !header ||
    !payload ||
    !signature ||
    !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))
  ) {
    throw new ProtocolError("bad_token", "not a signed token");
  }
  return { header: parseObject(header), claims: parseObject(payload) };
}

function parseObject(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // falls through to the one error below
  }
  throw new ProtocolError("bad_token", "not a signed token");
}

/** Seconds by which clocks may differ. */
export const clockTolerance = 60;
// Year 9999. Numeric dates beyond it are garbage, not long sessions (case T5).
const latestDate = 253_402_300_799;

function numericDate(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= latestDate;
}

/**
 * Checks the times of verified or merely decoded claims: `exp` must be there, all must be sane
 * numbers, `exp` must lie ahead, `nbf` and `iat` not.
 * @param nowSeconds seconds since the epoch
 * @throws {ProtocolError} bad_claims | expired
 */
export function checkTimes(claims: Record<string, unknown>, nowSeconds: number): void {
  const { exp, nbf, iat } = claims;
  if (!numericDate(exp)) throw new ProtocolError("bad_claims", "the token has no usable expiry");
  if (nbf !== undefined && (!numericDate(nbf) || nbf > nowSeconds + clockTolerance)) {
    throw new ProtocolError("bad_claims", "the token is not valid yet");
  }
  if (iat !== undefined && (!numericDate(iat) || iat > nowSeconds + clockTolerance)) {
    throw new ProtocolError("bad_claims", "the token was issued in the future");
  }
  if (exp <= nowSeconds) throw new ProtocolError("expired", "the token has expired");
}

function strings(value: unknown): string[] | undefined {
  if (typeof value === "string") return [value];
  return Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value
    : undefined;
}

/**
 * Reads `org`, `app` and `pass` claims; `aud` may be a string or an array on the way in and is an
 * array here.
 * @throws {ProtocolError} bad_claims when the type differs or a claim is missing or of the wrong
 * kind
 */
export function readClaims(claims: Record<string, unknown>, type: "org"): OrgClaims;
export function readClaims(claims: Record<string, unknown>, type: "app"): AppClaims;
export function readClaims(claims: Record<string, unknown>, type: "pass"): PassClaims;
export function readClaims(
  claims: Record<string, unknown>,
  type: "org" | "app" | "pass",
): OrgClaims | AppClaims | PassClaims {
  const aud = strings(claims["aud"]);
  const person = type !== "app" || claims["common_name"] === undefined;
  const complete =
    claims["type"] === type &&
    aud !== undefined &&
    typeof claims["iss"] === "string" &&
    typeof claims["sub"] === "string" &&
    (!person || type === "pass" || typeof claims["email"] === "string") &&
    (!person || type === "app" || typeof claims["identity_nonce"] === "string") &&
    (type !== "pass" || typeof claims["htu"] === "string");
  if (!complete) throw new ProtocolError("bad_claims", `not a token of type ${type}`);
  return { ...claims, aud } as unknown as OrgClaims | AppClaims | PassClaims;
}

/**
 * Reads the claims of `cf-access-metadata`. Times and hosts are checked by the client
 * (wire-protocol 6.1).
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
  if (claims["type"] !== "match" || !numericDate(claims["iat"])) {
    throw new ProtocolError("bad_claims", "the gateway's answer does not describe an application");
  }
  return claims as unknown as MatchClaims;
}
