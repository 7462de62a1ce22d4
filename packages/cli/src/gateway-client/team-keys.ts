// The keys of a team domain, and the check that something was signed with one (wire-protocol 2 and
// 6.1). Keys are fetched from the team domain itself, never from where the signed thing came from,
// and kept 24 h.
import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { join } from "node:path";
import { decodeToken, endpoints, ProtocolError } from "@postern/protocol";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { send, TimeoutError } from "../net/http-client.ts";
import { fileNameOf, readPrivateJson, writePrivateFile } from "../store/private-files.ts";

interface TeamKeys {
  team: string;
  keys: JsonWebKey[];
  /** milliseconds since the epoch */
  fetched_at: number;
  /** when a failed verification last made us fetch them again */
  refetched_at: number;
}

const keep = 24 * 3600_000;
const refetchInterval = 60_000;
const timeout = 7_000;
// 2048 bits in base64url; shorter keys are not worth trusting.
const shortestModulus = 342;

function keysFile(context: Context, team: string): string {
  return join(context.home, "certs", `${fileNameOf(team)}.json`);
}

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
  const cached = readKeys(context, team);
  const current = cached ?? (await fetchKeys(context, team, 0));
  if (isSigned(token, header["kid"], current.keys)) return claims;
  // An unknown key may be a new one; but a stream of bad tokens must not become a stream of
  // requests.
  const now = context.now();
  if (cached !== undefined && Math.abs(now - cached.refetched_at) >= refetchInterval) {
    const fetched = await fetchKeys(context, team, now);
    if (isSigned(token, header["kid"], fetched.keys)) return claims;
  }
  throw new CliError(
    "unverified",
    `an answer claims to come from ${team} but is not signed with its keys; nothing was sent. Try again in a minute`,
  );
}

function decode(team: string, token: string) {
  try {
    const decoded = decodeToken(token);
    // The algorithm is fixed and checked before any key is looked at; `jwk`, `jku`, `x5u` and `x5c`
    // are never read.
    if (
      decoded.header["alg"] === "RS256" &&
      typeof decoded.header["kid"] === "string" &&
      decoded.header["crit"] === undefined
    )
      return decoded;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new CliError(
    "unverified",
    `an answer claims to come from ${team} but is not a token that it could have signed; nothing was sent`,
  );
}

function isSigned(token: string, kid: unknown, keys: JsonWebKey[]): boolean {
  const end = token.lastIndexOf(".");
  const data = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), "base64url");
  return keys.some((key) => {
    if (key["kid"] !== kid || key.kty !== "RSA" || (key.n ?? "").length < shortestModulus)
      return false;
    try {
      return verify("sha256", data, createPublicKey({ key, format: "jwk" }), signature);
    } catch {
      return false;
    }
  });
}

function readKeys(context: Context, team: string): TeamKeys | undefined {
  const record = readPrivateJson(context.home, keysFile(context, team)) as TeamKeys | undefined;
  const age = context.now() - Number(record?.fetched_at);
  return record?.team === team && Array.isArray(record.keys) && age >= 0 && age < keep
    ? record
    : undefined;
}

async function fetchKeys(context: Context, team: string, refetchedAt: number): Promise<TeamKeys> {
  const url = new URL(endpoints.certs, team);
  let status: number;
  let body: string;
  try {
    ({ status, body } = await send(context, { method: "GET", url, timeout, limit: 1024 * 1024 }));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new CliError(
      "unreachable",
      `${url.href} does not answer; without its keys the gateway cannot be verified. Try again later`,
    );
  }
  const keys = status === 200 ? parseKeys(body) : undefined;
  if (keys === undefined) {
    throw new CliError(
      "unverified",
      `${url.href} does not publish keys (status ${status}); the gateway's identity cannot be verified`,
    );
  }
  const record: TeamKeys = { team, keys, fetched_at: context.now(), refetched_at: refetchedAt };
  writePrivateFile(context.home, keysFile(context, team), `${JSON.stringify(record)}\n`);
  return record;
}

function parseKeys(body: string): JsonWebKey[] | undefined {
  try {
    const { keys } = JSON.parse(body) as { keys?: unknown };
    return Array.isArray(keys)
      ? keys.filter((key): key is JsonWebKey => typeof key === "object" && key !== null)
      : undefined;
  } catch {
    return undefined;
  }
}
