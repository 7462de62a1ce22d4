// Stored tokens, one file for each (team domain, origin, AUD, profile), so that no login overwrites
// another's, and no token goes to another port of the host it was got for (wire-protocol 6.2).
// Reading one costs a file, and no cryptography where it lies in clear: a token is verified before
// it is stored, and only its owner can write the file.
import { join } from "node:path";
import { peekClaims } from "@postern/protocol/decode-token";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { storeForWriting } from "./choose-store.ts";
import { attemptWrite, fileNameOf, removeFile, type UnwritableError } from "./private-files.ts";
import { openSecret, sealSecret } from "./sealed-tokens.ts";
import {
  filesIn,
  filesOf,
  orgFileName,
  readRecord,
  sealedAbout,
  type TokenRecord,
  teamDirectory,
  writeRecord,
} from "./token-files.ts";

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
type Reader = Pick<Context, "home" | "profile" | "environment" | "now">;
type Writer = Pick<Context, "home" | "profile" | "environment" | "now" | "tell">;

function appTokenFile(store: Store, key: TokenKey): string {
  const name = `${fileNameOf(key.origin)}-${key.aud}.json`;
  return join(teamDirectory(store, key.team), name);
}

function orgTokenFile(store: Store, team: string): string {
  return join(teamDirectory(store, team), orgFileName);
}

/** A record, and its token. */
interface OpenRecord {
  record: TokenRecord;
  token: string;
}

/**
 * Reads a record and opens its token where it is sealed. One that another process moves meanwhile
 * (choose-store.ts) is read again as it is then.
 * @throws {CliError} failure
 */
function openRecord(reader: Reader, path: string): OpenRecord | undefined {
  const record = readRecord(reader, path);
  if (record === undefined) return undefined;
  const { token, sealed = "" } = record;
  if (token !== undefined) return { record, token };
  try {
    return { record, token: openSecret(reader, sealed, sealedAbout(record)) };
  } catch (error) {
    if (readRecord(reader, path)?.sealed === sealed) throw error;
    return openRecord(reader, path);
  }
}

/**
 * Writes a record as the store of this profile keeps it.
 * @throws {CliError} failure when that store cannot be used
 */
function writeToken(writer: Writer, path: string, record: TokenRecord & { token: string }): void {
  const choice = storeForWriting(writer);
  if (choice.kind === "file") {
    writeRecord(writer, path, record);
    return;
  }
  const { token, ...names } = record;
  const sealed = sealSecret(writer, choice.keyId, token, sealedAbout(record));
  writeRecord(writer, path, { ...names, sealed });
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
export function readAppToken(reader: Reader, key: TokenKey): StoredToken | undefined {
  const open = openRecord(reader, appTokenFile(reader, key));
  if (open === undefined || !isNamed(open.record, key)) return undefined;
  const { record, token } = open;
  const claims = claimsOf(token);
  const { aud } = claims;
  const isForApplication = Array.isArray(aud) ? aud.includes(key.aud) : aud === key.aud;
  if (!isForApplication || !isValid(claims, key.team, "app", reader.now())) return undefined;
  const { sealed, ...stored } = record as StoredToken & TokenRecord;
  return { ...stored, token };
}

function isNamed(record: TokenRecord, { team, origin, aud }: TokenKey): boolean {
  return record.team === team && record.origin === origin && record.aud === aud;
}

/** Stores a verified token, in place of an older one of the same application. */
export function writeAppToken(writer: Writer, stored: StoredToken): void {
  writeToken(writer, appTokenFile(writer, stored), stored);
}

/**
 * Remembers that the gateway was asked about the token just now. Only a cache: what cannot be
 * written is asked again.
 */
export function markChecked(reader: Reader, stored: StoredToken): void {
  // Another process may have signed in meanwhile: its token must stay.
  if (readAppToken(reader, stored)?.token !== stored.token) return;
  const path = appTokenFile(reader, stored);
  const record = readRecord(reader, path);
  const checked = { ...record, checked_at: reader.now() };
  attemptWrite(() => writeRecord(reader, path, checked, false));
}

/** Forgets the token of one application, where that is possible. */
export function removeAppToken(store: Store, key: TokenKey): void {
  attemptWrite(() => removeFile(appTokenFile(store, key)));
}

/**
 * The terminal's own session at a team domain, if it is there and still valid. It serves the
 * exchange only (wire-protocol 6.3).
 */
export function readOrgToken(reader: Reader, team: string): string | undefined {
  const { record, token = "" } = openRecord(reader, orgTokenFile(reader, team)) ?? {};
  if (record?.team !== team) return undefined;
  return isValid(claimsOf(token), team, "org", reader.now()) ? token : undefined;
}

/** Stores the verified org token of one team domain, and whose it is. */
export function writeOrgToken(writer: Writer, team: string, token: string, email: string): void {
  const { exp } = claimsOf(token);
  const expires_at = typeof exp === "number" ? exp : undefined;
  const record = { team, token, email, ...defined({ expires_at }) };
  writeToken(writer, orgTokenFile(writer, team), record);
}

/** Forgets the terminal's session at one team domain, where that is possible. */
export function removeOrgToken(store: Store, team: string): void {
  attemptWrite(() => removeFile(orgTokenFile(store, team)));
}

/**
 * Whether this profile has anything that might serve without a person: a valid token, or one to
 * exchange.
 */
export function hasUsableTokens(reader: Reader): boolean {
  return filesOf(reader).some(({ name, path }) => {
    const { record, token = "" } = openRecord(reader, path) ?? {};
    if (record?.team === undefined) return false;
    const type = name === orgFileName ? "org" : "app";
    return isValid(claimsOf(token), record.team, type, reader.now());
  });
}

/** The email address last signed in to this team domain, whether or not the token is valid. */
export function lastPerson(store: Store, team: string): string | undefined {
  const files = filesIn(teamDirectory(store, team));
  const emails = files.map(({ path }) => readRecord(store, path)?.email);
  return emails.find((email) => email !== undefined && email !== "");
}

/** What is known of a stored token without opening it, and where it is. */
export type ListedToken = Omit<StoredToken, "token"> & { path: string };

/** All application tokens of one profile, expired ones included. */
export function listAppTokens(store: Store): ListedToken[] {
  return filesOf(store).flatMap(({ name, path }) => {
    const record = name === orgFileName ? undefined : readRecord(store, path);
    if (record === undefined) return [];
    const { token, sealed, ...listed } = record as StoredToken & TokenRecord;
    return [{ ...listed, path }];
  });
}

/** What is known of a terminal's session at a team domain without opening its token. */
export interface ListedTeamSession {
  team: string;
  email: string;
  /** seconds since the epoch; undefined where an older version stored it */
  expires_at?: number;
  path: string;
}

/** The sessions at team domains of one profile, expired ones included. */
export function listTeamSessions(store: Store): ListedTeamSession[] {
  return filesOf(store).flatMap(({ name, path }) => {
    const record = name === orgFileName ? readRecord(store, path) : undefined;
    if (record?.team === undefined) return [];
    const { team, email = "", expires_at } = record;
    return [{ team, email, path, ...defined({ expires_at }) }];
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
  const files = filesIn(teamDirectory(store, team));
  const faults = files.map(({ path }) => attemptWrite(() => removeFile(path)));
  return faults.find((fault) => fault !== undefined);
}
