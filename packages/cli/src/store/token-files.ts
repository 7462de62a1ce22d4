// The files of tokens: one for each (team domain, origin, AUD, profile), and one for the session at
// a team domain. What names a token stands in clear; the token itself does, or is sealed with a key
// from the keychain.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { fileNameOf, readPrivateJson, writePrivateFile } from "./private-files.ts";

type Store = Pick<Context, "home" | "profile">;

/** What a file holds; only that there is a token, in one of the two forms, is checked. */
export interface TokenRecord {
  token?: string;
  /** as `sealSecret` makes it */
  sealed?: string;
  team?: string;
  /** of an application's token */
  origin?: string;
  aud?: string;
  email?: string;
  /** seconds since the epoch */
  expires_at?: number;
}

export interface TokenFile {
  name: string;
  path: string;
}

export const orgFileName = "org.json";

function profileDirectory({ home, profile }: Store): string {
  return join(home, "tokens", fileNameOf(profile));
}

/** The profiles that have anything stored. */
export function listProfiles({ home }: Pick<Context, "home">): string[] {
  return list(join(home, "tokens")).map(decodeURIComponent);
}

/** Where everything of one team domain and profile is. */
export function teamDirectory(store: Store, team: string): string {
  return join(profileDirectory(store), fileNameOf(team));
}

/** Every file of one profile. */
export function filesOf(store: Store): TokenFile[] {
  const profile = profileDirectory(store);
  return list(profile).flatMap((team) => filesIn(join(profile, team)));
}

/** Every file of one directory, in the order of their names. */
export function filesIn(directory: string): TokenFile[] {
  return list(directory).map((name) => ({ name, path: join(directory, name) }));
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

export function readRecord(store: Pick<Store, "home">, path: string): TokenRecord | undefined {
  const record = readPrivateJson(store.home, path);
  const isToken = typeof record?.["token"] === "string" || typeof record?.["sealed"] === "string";
  return isToken ? (record as TokenRecord) : undefined;
}

/** @param lasting false where the file need not outlive a power cut */
export function writeRecord(
  store: Pick<Store, "home">,
  path: string,
  record: TokenRecord,
  lasting = true,
): void {
  writePrivateFile(store.home, path, `${JSON.stringify(record)}\n`, lasting);
}

/** What a sealed token belongs to: it can be opened beside these names alone. */
export function sealedAbout({ team, origin, aud }: TokenRecord): string {
  return JSON.stringify(["token", team, origin ?? null, aud ?? null]);
}
