// The file with the secret key: 64 hex characters that its owner alone can read. A file that looks
// wrong is refused and never repaired: others may have read it.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { RandomBytes } from "../random.ts";
import { keyLength } from "./secret-box.ts";

/** What to do where the user may write and the disk has no room. */
const remedies: Partial<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space, or change secret_key_file",
  EDQUOT: "the disk quota is used up: free some space, or change secret_key_file",
  EFBIG: "this process may not write a file of that size (`ulimit -f`)",
};

/**
 * Reads the secret key; makes it when there is none. Processes that start at once all get the same.
 * @returns 32 bytes
 * @throws {Error} in one line, when the file is not what it must be
 */
export function loadSecretKey(file: string, randomBytes: RandomBytes): Buffer {
  const existingKey = readSecretKey(file);
  if (existingKey !== undefined) return existingKey;

  try {
    makeSecretKey(file, randomBytes);
  } catch (error) {
    const code = codeOf(error);
    const remedy = remedies[code] ?? "let this user write there, or change secret_key_file";
    throw new Error(`${file}: the secret key cannot be created (${code}); ${remedy}`);
  }
  // Another process may have been first: what is in the file is in force.
  const key = readSecretKey(file);
  if (key === undefined)
    throw new Error(
      `${file}: the secret key was removed while the gateway was starting; start it again`,
    );
  return key;
}

/**
 * Reads the secret key of a store that was sealed with it. A new one would open nothing there.
 * @returns 32 bytes
 * @throws {Error} in one line, when the file is not there or not what it must be
 */
export function readSecretKeyFile(file: string): Buffer {
  const key = readSecretKey(file);
  if (key !== undefined) return key;
  throw new Error(
    `${file}: the secret key is missing, but the store was sealed with it; restore the file from a backup, or name it in secret_key_file`,
  );
}

/** Undefined when there is no such file. */
function readSecretKey(file: string): Buffer | undefined {
  const descriptor = openKeyFile(file);
  if (descriptor === undefined) return undefined;
  try {
    checkOwner(file, fstatSync(descriptor));
    return parseKey(file, readFileSync(descriptor, "latin1"));
  } finally {
    closeSync(descriptor);
  }
}

function openKeyFile(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP")
      throw new Error(
        `${file}: the secret key must not be a symbolic link; name the file itself in secret_key_file`,
      );
    throw new Error(
      `${file}: the secret key cannot be read (${code}); let this user read it, or change secret_key_file`,
    );
  }
}

function checkOwner(file: string, stats: Stats): void {
  if (!stats.isFile())
    throw new Error(`${file}: the secret key must be a file; change secret_key_file`);
  if (stats.uid !== process.geteuid?.())
    throw new Error(
      `${file}: the secret key belongs to another user; run \`chown\` to give it to this one`,
    );
  if ((stats.mode & 0o077) !== 0)
    throw new Error(
      `${file}: the secret key is open to other users of this machine; run \`chmod 600 ${file}\``,
    );
}

function parseKey(file: string, text: string): Buffer {
  if (!/^[0-9a-f]{64}\s*$/i.test(text))
    throw new Error(
      `${file}: the secret key must be 64 hex characters; restore it from a backup (a new one opens nothing that is stored)`,
    );
  return Buffer.from(text.trim(), "hex");
}

/** The file appears with all its content or not at all. Whoever comes second changes nothing. */
function makeSecretKey(file: string, randomBytes: RandomBytes): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporaryFile = join(folder, `.${basename(file)}.${randomBytes(8).toString("hex")}`);
  const key = randomBytes(keyLength).toString("hex");
  const descriptor = openSync(temporaryFile, "wx", 0o600);
  try {
    writeDurably(descriptor, `${key}\n`);
    linkSync(temporaryFile, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    unlinkSync(temporaryFile);
  }
  // The file's name must be on the disk as well: a key that is lost after it has sealed something
  // takes that with it.
  writeDurably(openSync(folder, constants.O_RDONLY));
}

function writeDurably(descriptor: number, text?: string): void {
  try {
    if (text !== undefined) writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
