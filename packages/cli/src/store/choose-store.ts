// Decides where new tokens go, and moves those that are stored when that changes. A key of the
// keychain is written once, under a name of its own, and named by whoever made it: processes that
// come together never write the same one.
import { peekClaims } from "@postern/protocol/decode-token";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { listBoundKeys } from "./bound-key-files.ts";
import {
  type Keychain,
  KeychainError,
  openKeychain,
  probeKeychain,
  randomHex,
} from "./keychain.ts";
import { attemptWrite, removeFile } from "./private-files.ts";
import { newSealingKey } from "./seal.ts";
import { hasKey, keepKey, keyIsMissing, openSecret, sealSecret } from "./sealed-tokens.ts";
import {
  remember,
  rememberedStore,
  type StoreChoice,
  type StoreKind,
  wantedStore,
} from "./store-choice.ts";
import { withStoreLock } from "./store-lock.ts";
import {
  filesOf,
  readRecord,
  sealedAbout,
  type TokenFile,
  type TokenRecord,
  writeRecord,
} from "./token-files.ts";

type Chooser = Pick<Context, "home" | "profile" | "environment" | "now" | "tell">;
type KeychainChoice = Extract<StoreChoice, { kind: "keychain" }>;

/**
 * Where a token that is to be stored now goes.
 * @throws {CliError} failure when the store that was chosen cannot be used: there is no second one
 */
export function storeForWriting(context: Chooser): StoreChoice {
  const wanted = wantedStore(context);
  const remembered = rememberedStore(context);
  if (remembered === undefined) return firstChoice(context, wanted);
  if (wanted !== undefined && wanted !== remembered.kind) return changeTo(context, wanted);
  return remembered.kind === "file" ? remembered : withItsKey(context, remembered);
}

/**
 * Moves what is stored to where `POSTERN_TOKEN_STORE` wants it. What cannot be moved stays, and can
 * be read and forgotten all the same.
 * @throws {CliError} usage when it wants an unknown store
 */
export function settleStore(context: Chooser): void {
  const wanted = wantedStore(context);
  if (wanted === undefined) return;
  const remembered = rememberedStore(context);
  if (remembered === undefined || remembered.kind === wanted) return;
  try {
    changeTo(context, wanted);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    context.tell(`Warning: the stored tokens stay where they are: ${error.message}`);
  }
}

/** The first choice of a profile, which is remembered: a keychain is probed once. */
function firstChoice(context: Chooser, wanted: StoreKind | undefined): StoreChoice {
  if (wanted === "file") return chooseFiles(context);
  const keychain = answeringKeychain(context);
  if (keychain instanceof KeychainError) {
    if (wanted === "keychain") throw noKeychain(keychain);
    return chooseFiles(context);
  }
  return withStoreLock(context, () => {
    const earlier = rememberedStore(context);
    return earlier ?? sealAll(context, keychain);
  });
}

function chooseFiles(context: Chooser): StoreChoice {
  const choice: StoreChoice = { kind: "file" };
  // On a full or read-only disk the choice is made anew next time, and one command is served.
  attemptWrite(() => remember(context, choice));
  return choice;
}

function answeringKeychain(context: Chooser): Keychain | KeychainError {
  try {
    return probeKeychain(context);
  } catch (error) {
    if (error instanceof KeychainError) return error;
    throw error;
  }
}

function noKeychain({ message }: KeychainError): CliError {
  return new CliError(
    "failure",
    `POSTERN_TOKEN_STORE asks for the system's keychain, and there is none to use (${message}); set it to file to keep tokens in files that only you can read`,
  );
}

function changeTo(context: Chooser, wanted: StoreKind): StoreChoice {
  const keychain = wanted === "keychain" ? answeringKeychain(context) : undefined;
  if (keychain instanceof KeychainError) throw noKeychain(keychain);
  return withStoreLock(context, () => {
    const now = rememberedStore(context);
    // Another process may have moved everything meanwhile.
    if (now?.kind === wanted) return now;
    if (keychain !== undefined) return sealAll(context, keychain);
    return unsealAll(context, now);
  });
}

/** The same choice, with a new key where the old one is gone and nothing sealed with it is left. */
function withItsKey(context: Chooser, choice: KeychainChoice): StoreChoice {
  if (hasKey(context, choice.keyId)) return choice;
  if (recordsOf(context).some(({ record }) => record.sealed !== undefined)) throw keyIsMissing();
  const keychain = answeringKeychain(context);
  if (keychain instanceof KeychainError) throw noKeychain(keychain);
  return withStoreLock(context, () => {
    const now = rememberedStore(context);
    const isNew = now?.kind === "keychain" && now.keyId !== choice.keyId;
    return isNew ? now : sealAll(context, keychain);
  });
}

/** Makes a key, seals with it what lies in clear, and remembers both. */
function sealAll(context: Chooser, keychain: Keychain): KeychainChoice {
  // 1. The key is in the keychain before anything needs it.
  const keyId = randomHex(16);
  const key = newSealingKey();
  try {
    keychain.set(keyId, key);
  } catch (error) {
    if (error instanceof KeychainError) throw noKeychain(error);
    throw error;
  }
  keepKey(keyId, key);
  // 2. What other processes store from now on is sealed.
  const choice: KeychainChoice = { kind: "keychain", keyId };
  remember(context, choice);
  // 3. What is stored already.
  for (const { path, record } of recordsOf(context)) {
    const { token, ...names } = record;
    if (token === undefined) continue;
    const sealed = sealSecret(context, keyId, token, sealedAbout(record));
    writeRecord(context, path, { ...names, sealed });
  }
  return choice;
}

/** Puts what is sealed into files in clear. Bound tokens are useless without their key, and go. */
function unsealAll(context: Chooser, before: StoreChoice | undefined): StoreChoice {
  // 1. Everything is opened before anything changes.
  const opened = recordsOf(context).flatMap(({ path, record }) => {
    const { sealed, ...names } = record;
    if (sealed === undefined) return [];
    return [{ path, names, token: openSecret(context, sealed, sealedAbout(record)) }];
  });
  // 2. What other processes store from now on is in clear.
  const choice = chooseFiles(context);
  // 3. What is stored already.
  const bound = opened.filter(({ token }) => isBound(token));
  for (const { path, names, token } of opened) {
    if (isBound(token)) removeFile(path);
    else writeRecord(context, path, { ...names, token });
  }
  const teams = new Set(bound.map(({ names }) => names.team));
  for (const team of teams)
    context.tell(
      `The session at ${team} was bound to the keychain and is forgotten; sign in again.`,
    );
  // 4. Keys that nothing needs any more.
  for (const path of listBoundKeys(context)) attemptWrite(() => removeFile(path));
  if (before?.kind === "keychain") removeKey(context, before);
  return choice;
}

function removeKey(context: Chooser, { keyId }: KeychainChoice): void {
  try {
    openKeychain(context).remove(keyId);
  } catch (error) {
    // A key that stays opens nothing.
    if (!(error instanceof KeychainError)) throw error;
  }
}

/** Whether a token is of use beside a proof alone (wire-protocol 2). */
function isBound(token: string): boolean {
  try {
    return peekClaims(token)["cnf"] !== undefined;
  } catch {
    return false;
  }
}

function recordsOf(context: Chooser): { path: TokenFile["path"]; record: TokenRecord }[] {
  return filesOf(context).flatMap(({ path }) => {
    const record = readRecord(context, path);
    return record === undefined ? [] : [{ path, record }];
  });
}
