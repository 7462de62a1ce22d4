// Stored tokens, one file for each (team domain, application host pattern, AUD, profile), so that
// no login overwrites another's. Reading one costs a file and no cryptography: a stored token was
// verified before it was stored, and only its owner can write the file.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { fileNameOf, readPrivateJson, removeFile, writePrivateFile } from "./private-files.ts";

/** What names a token of an application. */
export interface TokenKey {
  /** origin of the team domain, which is the issuer */
  team: string;
  app_hostname: string;
  aud: string;
}

export interface StoredToken extends TokenKey {
  /** of the URL it was asked for: a pattern such as `*.example.com` names no host to talk to */
  origin: string;
  token: string;
  email: string;
  /** seconds since the epoch */
  expires_at: number;
}

type Place = Pick<Context, "home" | "profile">;

/**
 * The claims of a token without verifying it, and without loading what could. Empty when it is not
 * one.
 */
export function peekClaims(token: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"),
    );
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Where everything of one team domain and profile lies. */
function teamDirectory(place: Place, team: string): string {
  return join(place.home, "tokens", fileNameOf(place.profile), fileNameOf(team));
}

function appTokenFile(place: Place, key: TokenKey): string {
  return join(teamDirectory(place, key.team), `${fileNameOf(key.app_hostname)}-${key.aud}.json`);
}

function orgTokenFile(place: Place, team: string): string {
  return join(teamDirectory(place, team), "org.json");
}

function readRecord(
  place: Place,
  path: string,
): (Partial<StoredToken> & { token: string }) | undefined {
  const record = readPrivateJson(place.home, path);
  return typeof record?.["token"] === "string" ? (record as unknown as StoredToken) : undefined;
}

/** Whether issuer, type and expiry still hold. */
function holds(token: string, team: string, type: "app" | "org", now: number): boolean {
  const claims = peekClaims(token);
  return (
    claims["type"] === type &&
    claims["iss"] === team &&
    typeof claims["exp"] === "number" &&
    claims["exp"] * 1000 > now
  );
}

/** The token of this application, if it is there and still holds (wire-protocol 6.2). */
export function readAppToken(
  context: Pick<Context, "home" | "profile" | "now">,
  key: TokenKey,
): StoredToken | undefined {
  const record = readRecord(context, appTokenFile(context, key));
  if (
    record === undefined ||
    record.team !== key.team ||
    record.app_hostname !== key.app_hostname ||
    record.aud !== key.aud
  )
    return undefined;
  const aud = peekClaims(record.token)["aud"];
  const forUs = Array.isArray(aud) ? aud.includes(key.aud) : aud === key.aud;
  return forUs && holds(record.token, key.team, "app", context.now())
    ? (record as StoredToken)
    : undefined;
}

export function writeAppToken(place: Place, stored: StoredToken): void {
  writePrivateFile(place.home, appTokenFile(place, stored), `${JSON.stringify(stored)}\n`);
}

export function removeAppToken(place: Place, key: TokenKey): void {
  removeFile(appTokenFile(place, key));
}

/** The terminal's own session at a team domain; it serves the exchange only (wire-protocol 6.3). */
export function readOrgToken(
  context: Pick<Context, "home" | "profile" | "now">,
  team: string,
): string | undefined {
  const record = readRecord(context, orgTokenFile(context, team));
  return record !== undefined &&
    record.team === team &&
    holds(record.token, team, "org", context.now())
    ? record.token
    : undefined;
}

export function writeOrgToken(place: Place, team: string, token: string, email: string): void {
  writePrivateFile(
    place.home,
    orgTokenFile(place, team),
    `${JSON.stringify({ team, token, email })}\n`,
  );
}

export function removeOrgToken(place: Place, team: string): void {
  removeFile(orgTokenFile(place, team));
}

/**
 * Whether this profile has anything that might serve without a person: a token that holds, or one
 * to exchange.
 */
export function hasUsableTokens(context: Pick<Context, "home" | "profile" | "now">): boolean {
  const profile = join(context.home, "tokens", fileNameOf(context.profile));
  return list(profile).some((team) =>
    list(join(profile, team)).some((name) => {
      const record = readRecord(context, join(profile, team, name));
      const type = name === "org.json" ? "org" : "app";
      return record?.team !== undefined && holds(record.token, record.team, type, context.now());
    }),
  );
}

/** Who was signed in to this team domain last, whether or not the token still holds. */
export function lastPerson(place: Place, team: string): string | undefined {
  const emails = list(teamDirectory(place, team)).map(
    (name) => readRecord(place, join(teamDirectory(place, team), name))?.email,
  );
  return emails.find((email) => email !== undefined && email !== "");
}

/** All application tokens of one profile, expired ones included, and where each is stored. */
export function listAppTokens(place: Place): (StoredToken & { path: string })[] {
  const profile = join(place.home, "tokens", fileNameOf(place.profile));
  return list(profile).flatMap((team) =>
    list(join(profile, team)).flatMap((name) => {
      const path = join(profile, team, name);
      const record = name === "org.json" ? undefined : readRecord(place, path);
      return record === undefined ? [] : [{ ...(record as StoredToken), path }];
    }),
  );
}

/** The team domains at which this profile has anything stored. */
export function listTeams(place: Place): string[] {
  const profile = join(place.home, "tokens", fileNameOf(place.profile));
  const teams = list(profile).flatMap((directory) =>
    list(join(profile, directory)).map(
      (name) => readRecord(place, join(profile, directory, name))?.team,
    ),
  );
  return [...new Set(teams.filter((team) => team !== undefined))].sort();
}

/** Removes every token of one team domain: they belong to one session and die with it. */
export function removeTeam(place: Place, team: string): void {
  const directory = teamDirectory(place, team);
  for (const name of list(directory)) removeFile(join(directory, name));
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.endsWith(".tmp"))
      .sort();
  } catch {
    return [];
  }
}
