// Where the tokens of a profile are kept: in files, or in files sealed with a key that lies in the
// system's keychain (docs/adr/0024). `POSTERN_TOKEN_STORE` decides, else what was chosen before,
// else whether a keychain answers. A keychain that is gone later is an error, never a second store.
import { join } from "node:path";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { fileNameOf, readPrivateJson, writePrivateFile } from "./private-files.ts";

export type StoreKind = "file" | "keychain";

/** `keyId` names the key in the keychain. */
export type StoreChoice = { kind: "file" } | { kind: "keychain"; keyId: string };

type Store = Pick<Context, "home" | "profile">;

function choiceFile({ home, profile }: Store): string {
  return join(home, "stores", `${fileNameOf(profile)}.json`);
}

/**
 * What `POSTERN_TOKEN_STORE` asks for; undefined when it is not set.
 * @throws {CliError} usage
 */
export function wantedStore({ environment }: Pick<Context, "environment">): StoreKind | undefined {
  const text = environment["POSTERN_TOKEN_STORE"] || undefined;
  if (text === undefined || text === "file" || text === "keychain") return text;
  throw new CliError(
    "usage",
    `POSTERN_TOKEN_STORE: "${text.slice(0, 40)}" is unknown; set it to keychain or file, or unset it`,
  );
}

/** What was chosen before; undefined before the first sign-in. */
export function rememberedStore(store: Store): StoreChoice | undefined {
  const { store: kind, key } = readPrivateJson(store.home, choiceFile(store)) ?? {};
  if (kind === "file") return { kind };
  if (kind === "keychain" && typeof key === "string") return { kind, keyId: key };
  return undefined;
}

/** Remembers where the tokens of this profile are kept from now on. */
export function remember(store: Store, choice: StoreChoice): void {
  writePrivateFile(store.home, choiceFile(store), textOf(choice));
}

function textOf(choice: StoreChoice): string {
  const fields =
    choice.kind === "file" ? { store: choice.kind } : { store: choice.kind, key: choice.keyId };
  return `${JSON.stringify(fields)}\n`;
}

/** Where the tokens of a profile are, for a person, and what that means for who copies them. */
export interface StoreDescription {
  kind: StoreKind;
  /** one sentence */
  sentence: string;
}

/** Says where the tokens of this profile are kept. */
export function describeStore(store: Store): StoreDescription {
  const kind = rememberedStore(store)?.kind ?? "file";
  const folder = join(store.home, "tokens");
  if (kind === "keychain") {
    const sentence = `Tokens are in ${folder}, sealed with a key in the system's keychain; sessions are bound to this machine from their sign-in on.`;
    return { kind, sentence };
  }
  const sentence = `Tokens are in ${folder}, in files that only you can read; whoever copies that folder copies the sessions.`;
  return { kind, sentence };
}
