// Stored tokens, one file for each (team domain, origin, AUD, profile), so that no login overwrites
// another's, and no token goes to another port of the host it was got for (wire-protocol 6.2).
// Reading one costs a file and no cryptography: a token is verified before it is stored, and only
// its owner can write the file.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { peekClaims } from "@postern/protocol/decode-token";
import type { Context } from "../context.ts";
import {
  attemptWrite,
  fileNameOf,
  readPrivateJson,
  removeFile,
  type UnwritableError,
  writePrivateFile,
} from "./private-files.ts";

/** What names a token of an application. */
export interface TokenKey {
  /** origin of the team domain, which is the issuer */
  team: string;
  /** scheme, host and port that it was got for: it is sent nowhere else */
  origin: string;
  aud: string;
}

export interface StoredToken extends TokenKey {
  /** pattern of the application, for people: `*.example.com` names no host to talk to */
  app_hostname: string;
  token: string;
  email: string;
  /** seconds since the epoch */
  expires_at: number;
  /** when the gateway last took it, or could last not be asked: milliseconds since the epoch */
  checked_at: number;
}

type Store = Pick<Context, "home" | "profile">;
type StoreAt = Pick<Context, "home" | "profile" | "now">;

const orgFileName = "org.json";

function profileDirectory({ home, profile }: Store): string {
  return join(home, "tokens", fileNameOf(profile));
}

/** Where everything of one team domain and profile is. */
function teamDirectory(store: Store, team: string): string {
  return join(profileDirectory(store), fileNameOf(team));
}

function appTokenFile(store: Store, key: TokenKey): string {
  const name = `${fileNameOf(key.origin)}-${key.aud}.json`;
  return join(teamDirectory(store, key.team), name);
}

function orgTokenFile(store: Store, team: string): string {
  return join(teamDirectory(store, team), orgFileName);
}

/** What a file holds; only that there is a token is checked. */
type TokenRecord = Partial<StoredToken> & { token: string };

function readRecord(store: Store, path: string): TokenRecord | undefined {
  const record = readPrivateJson(store.home, path);
  return typeof record?.["token"] === "string" ? (record as unknown as TokenRecord) : undefined;
}

/** The claims of a token that was verified when it was stored; empty when it is none. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    return peekClaims(token);
  } catch {
    return {};
  }
}

/** Whether issuer and type are right and the expiry lies ahead. */
function isValid(
  { type, iss, exp }: Record<string, unknown>,
  team: string,
  expectedType: "app" | "org",
  now: number,
): boolean {
  return type === expectedType && iss === team && typeof exp === "number" && exp * 1000 > now;
}

/** The token of this application, if it is there and still valid (wire-protocol 6.2). */
export function readAppToken(store: StoreAt, key: TokenKey): StoredToken | undefined {
  const record = readRecord(store, appTokenFile(store, key));
  if (record === undefined || !isNamed(record, key)) return undefined;
  const claims = claimsOf(record.token);
  const { aud } = claims;
  const isForApplication = Array.isArray(aud) ? aud.includes(key.aud) : aud === key.aud;
  if (!isForApplication || !isValid(claims, key.team, "app", store.now())) return undefined;
  return record as StoredToken;
}

function isNamed(record: TokenRecord, { team, origin, aud }: TokenKey): boolean {
  return record.team === team && record.origin === origin && record.aud === aud;
}

/** Stores a verified token, in place of an older one of the same application. */
export function writeAppToken(store: Store, stored: StoredToken): void {
  writePrivateFile(store.home, appTokenFile(store, stored), `${JSON.stringify(stored)}\n`);
}

/**
 * Remembers that the gateway was asked about the token just now. Only a cache: what cannot be
 * written is asked again.
 */
export function markChecked(store: StoreAt, stored: StoredToken): void {
  // Another process may have signed in meanwhile: its token must stay.
  if (readAppToken(store, stored)?.token !== stored.token) return;
  const record = { ...stored, checked_at: store.now() };
  const path = appTokenFile(store, stored);
  attemptWrite(() => writePrivateFile(store.home, path, `${JSON.stringify(record)}\n`, false));
}

/** Forgets the token of one application, where that is possible. */
export function removeAppToken(store: Store, key: TokenKey): void {
  attemptWrite(() => removeFile(appTokenFile(store, key)));
}

/**
 * The terminal's own session at a team domain, if it is there and still valid. It serves the
 * exchange only (wire-protocol 6.3).
 */
export function readOrgToken(store: StoreAt, team: string): string | undefined {
  const record = readRecord(store, orgTokenFile(store, team));
  if (record === undefined || record.team !== team) return undefined;
  const { token } = record;
  return isValid(claimsOf(token), team, "org", store.now()) ? token : undefined;
}

/** Stores the verified org token of one team domain, and whose it is. */
export function writeOrgToken(store: Store, team: string, token: string, email: string): void {
  const record = { team, token, email };
  writePrivateFile(store.home, orgTokenFile(store, team), `${JSON.stringify(record)}\n`);
}

/** Forgets the terminal's session at one team domain, where that is possible. */
export function removeOrgToken(store: Store, team: string): void {
  attemptWrite(() => removeFile(orgTokenFile(store, team)));
}

/**
 * Whether this profile has anything that might serve without a person: a valid token, or one to
 * exchange.
 */
export function hasUsableTokens(store: StoreAt): boolean {
  return filesOf(store).some(({ name, path }) => {
    const { team, token = "" } = readRecord(store, path) ?? {};
    const type = name === orgFileName ? "org" : "app";
    return team !== undefined && isValid(claimsOf(token), team, type, store.now());
  });
}

/** The profiles that have anything stored. */
export function listProfiles({ home }: Pick<Context, "home">): string[] {
  return list(join(home, "tokens")).map(decodeURIComponent);
}

/** The email address last signed in to this team domain, whether or not the token is valid. */
export function lastPerson(store: Store, team: string): string | undefined {
  const directory = teamDirectory(store, team);
  const paths = list(directory).map((name) => join(directory, name));
  const emails = paths.map((path) => readRecord(store, path)?.email);
  return emails.find((email) => email !== undefined && email !== "");
}

/** All application tokens of one profile, expired ones included, and where each is stored. */
export function listAppTokens(store: Store): (StoredToken & { path: string })[] {
  return filesOf(store).flatMap(({ name, path }) => {
    const record = name === orgFileName ? undefined : readRecord(store, path);
    return record === undefined ? [] : [{ ...(record as StoredToken), path }];
  });
}

/** The team domains at which this profile has anything stored. */
export function listTeams(store: Store): string[] {
  const teams = filesOf(store).map(({ path }) => readRecord(store, path)?.team);
  return [...new Set(teams.filter((team) => team !== undefined))].sort();
}

/**
 * Removes every token of one team domain: they belong to one session and die with it. One that
 * stays does not keep the others.
 * @returns why the first of those that stayed did; undefined when all are gone
 */
export function removeTeam(store: Store, team: string): UnwritableError | undefined {
  const directory = teamDirectory(store, team);
  const faults = list(directory).map((name) =>
    attemptWrite(() => removeFile(join(directory, name))),
  );
  return faults.find((fault) => fault !== undefined);
}

/** Every file of one profile. */
function filesOf(store: Store): { name: string; path: string }[] {
  const profile = profileDirectory(store);
  const directories = list(profile).map((team) => join(profile, team));
  return directories.flatMap((directory) =>
    list(directory).map((name) => ({ name, path: join(directory, name) })),
  );
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
