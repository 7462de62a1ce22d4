// A token in compact form (RFC 7515 7.1), taken apart without verifying it and without loading any
// cryptography: whoever only reads claims starts faster. The signature is for jws.ts.
import { ProtocolError } from "./errors.ts";

/** Header and claims as they are in the token; nothing in them is checked. */
export interface DecodedToken {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
}

/** Longer than any token we issue; more is refused before it is decoded. */
export const maxTokenLength = 16_384;

const compactForm = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/;

/**
 * Takes a compact JWS apart without verifying it.
 * @throws {ProtocolError} bad_token when it is not three base64url parts around two JSON objects
 */
export function decodeToken(token: string): DecodedToken {
  const [, header, claims] = token.length > maxTokenLength ? [] : (compactForm.exec(token) ?? []);
  if (header === undefined || claims === undefined) throw notAToken();
  return { header: parseObject(header), claims: parseObject(claims) };
}

/**
 * The claims alone, of a token that was verified before it was stored. Nothing else of it is looked
 * at, which is what a command that only needs the expiry saves (docs/adr/0001).
 * @throws {ProtocolError} bad_token when there is no JSON object where the claims are
 */
export function peekClaims(token: string): Record<string, unknown> {
  const [, claims = ""] = token.split(".", 2);
  return parseObject(claims);
}

function parseObject(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    throw notAToken();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notAToken();
  return value as Record<string, unknown>;
}

function notAToken(): ProtocolError {
  return new ProtocolError("bad_token", "not a signed token");
}
