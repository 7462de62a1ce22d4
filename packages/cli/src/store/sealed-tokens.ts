// Secrets of a profile that lie in files, sealed with its key from the keychain (docs/adr/0024). A
// sealed text names its key, so that it can be read whatever was chosen since. The keychain is
// asked once in a process.
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type Keychain, KeychainError, openKeychain } from "./keychain.ts";
import { seal, unseal } from "./seal.ts";

type Asker = Pick<Context, "environment">;

/** Keys that this process got from the keychain, by their names. */
const keys = new Map<string, string>();

/**
 * @param about what the text belongs to
 * @returns the key's name, a dot and the sealed text
 * @throws {CliError} failure when the keychain does not give the key
 */
export function sealSecret(asker: Asker, keyId: string, text: string, about: string): string {
  return `${keyId}.${seal(keyFor(asker, keyId), text, about)}`;
}

/** @throws {CliError} failure when it cannot be opened here */
export function openSecret(asker: Asker, sealed: string, about: string): string {
  const [keyId = "", text = ""] = sealed.split(".", 2);
  const secret = unseal(keyFor(asker, keyId), text, about);
  if (secret !== undefined) return secret;
  throw new CliError(
    "failure",
    `a stored token is damaged, or belongs to another profile; ${startAnew}`,
  );
}

/** Whether the keychain still has the key. @throws {CliError} failure when it cannot be asked */
export function hasKey(asker: Asker, keyId: string): boolean {
  return keys.has(keyId) || withKeychain(asker, (keychain) => keychain.get(keyId)) !== undefined;
}

/** A key that was just put into the keychain. */
export function keepKey(keyId: string, key: string): void {
  keys.set(keyId, key);
}

function keyFor(asker: Asker, keyId: string): string {
  const key = keys.get(keyId) ?? withKeychain(asker, (keychain) => keychain.get(keyId));
  if (key === undefined) throw keyIsMissing();
  keys.set(keyId, key);
  return key;
}

function withKeychain<Result>(asker: Asker, use: (keychain: Keychain) => Result): Result {
  try {
    return use(openKeychain(asker));
  } catch (error) {
    if (!(error instanceof KeychainError)) throw error;
    throw new CliError(
      "failure",
      `the system's keychain has the key of the stored tokens and cannot be used (${error.message}); unlock it, or ${startAnew}`,
    );
  }
}

/** The key of what is stored is not in the keychain of whoever runs this. */
export function keyIsMissing(): CliError {
  return new CliError(
    "failure",
    `the stored tokens are sealed with a key that this user's keychain does not have: they were copied from elsewhere, or the key was removed; ${startAnew}`,
  );
}

const startAnew = "forget them with: postern access logout --all, and sign in again";
