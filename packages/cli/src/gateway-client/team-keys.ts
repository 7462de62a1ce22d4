// The keys of a team domain, and the check that something was signed with one (wire-protocol 2 and
// 6.1). Keys are fetched from the team domain itself, never from where the signed thing came from,
// and kept for 24 h.
import { createPublicKey, type JsonWebKey } from "node:crypto";
import { join } from "node:path";
import { type DecodedToken, decodeToken, endpoints, ProtocolError } from "@postern/protocol";
import { verifyRs256 } from "@postern/protocol/jws";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send } from "../net/http-client.ts";
import {
  attemptWrite,
  fileNameOf,
  readPrivateJson,
  writePrivateFile,
} from "../store/private-files.ts";

interface TeamKeys {
  /** origin of the team domain */
  team: string;
  keys: JsonWebKey[];
  /** milliseconds since the epoch */
  fetched_at: number;
  /** when a failed verification last made us fetch them again; 0 for never */
  refetched_at: number;
}

const lifetime = 24 * 3600_000;
const refetchInterval = 60_000;
/** 2048 bits in base64url; shorter keys are not worth trusting. */
const shortestModulus = 342;

/**
 * The claims of a token that this team domain signed. Type, issuer, audience and times are the
 * caller's to check.
 * @param team origin of the team domain
 * @throws {CliError} unverified | unreachable
 */
export async function verifySignature(
  context: Context,
  team: string,
  token: string,
): Promise<Record<string, unknown>> {
  const { header, claims } = decode(team, token);
  const kid = header["kid"];
  const cached = readKeys(context, team);
  const current = cached ?? (await fetchKeys(context, team, 0));
  if (isSigned(token, kid, current.keys)) return claims;
  // An unknown key may be a new one; but a stream of bad tokens must not become a stream of
  // requests.
  const now = context.now();
  if (cached !== undefined && Math.abs(now - cached.refetched_at) >= refetchInterval) {
    const fresh = await fetchKeys(context, team, now);
    if (isSigned(token, kid, fresh.keys)) return claims;
  }
  throw new CliError(
    "unverified",
    `an answer claims to come from ${team} but is not signed with its keys; nothing was sent. Try again in a minute`,
  );
}

/**
 * The algorithm is fixed and checked before any key is looked at; `jwk`, `jku`, `x5u` and `x5c` are
 * never read (case T3).
 */
function decode(team: string, token: string): DecodedToken {
  const decoded = decodeOrNothing(token);
  const { alg, kid, crit } = decoded?.header ?? {};
  if (decoded !== undefined && alg === "RS256" && typeof kid === "string" && crit === undefined)
    return decoded;
  throw new CliError(
    "unverified",
    `an answer claims to come from ${team} but is not a token that it could have signed; nothing was sent`,
  );
}

function decodeOrNothing(token: string): DecodedToken | undefined {
  try {
    return decodeToken(token);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function isSigned(token: string, kid: unknown, keys: JsonWebKey[]): boolean {
  const candidates = keys.filter((key) => key["kid"] === kid && isStrongRsa(key));
  return candidates.some((key) => isSignedWith(token, key));
}

/** A key that is none signed nothing. */
function isSignedWith(token: string, key: JsonWebKey): boolean {
  try {
    return verifyRs256(token, createPublicKey({ key, format: "jwk" }));
  } catch {
    return false;
  }
}

function isStrongRsa({ kty, n = "" }: JsonWebKey): boolean {
  return kty === "RSA" && n.length >= shortestModulus;
}

function keysFile(context: Context, team: string): string {
  return join(context.home, "certs", `${fileNameOf(team)}.json`);
}

function readKeys(context: Context, team: string): TeamKeys | undefined {
  const record = readPrivateJson(context.home, keysFile(context, team)) as TeamKeys | undefined;
  if (record?.team !== team || !Array.isArray(record.keys)) return undefined;
  const age = context.now() - Number(record.fetched_at);
  return age >= 0 && age < lifetime ? record : undefined;
}

/** @param refetchedAt milliseconds since the epoch */
async function fetchKeys(context: Context, team: string, refetchedAt: number): Promise<TeamKeys> {
  const url = new URL(endpoints.certs, team);
  const { status, body } = await send(context, {
    method: "GET",
    url,
    remedy: "without its keys the gateway cannot be verified. Try again later",
  });
  const keys = status === 200 ? parseKeys(body) : undefined;
  if (keys === undefined) {
    throw new CliError(
      "unverified",
      `${url.href} does not publish keys (status ${status}); the gateway's identity cannot be verified`,
    );
  }
  const record: TeamKeys = { team, keys, fetched_at: context.now(), refetched_at: refetchedAt };
  const path = keysFile(context, team);
  attemptWrite(() => writePrivateFile(context.home, path, `${JSON.stringify(record)}\n`));
  return record;
}

function parseKeys(body: string): JsonWebKey[] | undefined {
  const keys = parseJsonObject(body)?.["keys"];
  if (!Array.isArray(keys)) return undefined;
  return keys.filter((key): key is JsonWebKey => typeof key === "object" && key !== null);
}
