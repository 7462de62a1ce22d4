// Files that only their owner may read: tokens, and what the CLI believes about a host (case C12).
// Links, foreign owners and loose permissions are refused, never repaired silently, because
// somebody else may have read or planted the content. Writes are atomic: a reader sees the old file
// or the new one.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { CliError } from "../exit-status.ts";

const posix = process.platform !== "win32";
const largestFile = 2 * 1024 * 1024;
let made = 0;

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

function refuse(path: string, why: string): never {
  throw new CliError(
    "failure",
    `${path} ${why}; refused, because somebody else may control it. Remove it, or make it yours alone (chown, chmod go=)`,
  );
}

function checkOwner(path: string, stats: Stats, forbidden: number): void {
  if (!posix) return;
  if (stats.uid !== process.getuid?.()) refuse(path, "belongs to another user");
  if ((stats.mode & forbidden) !== 0) refuse(path, "is open to other users");
}

/**
 * Makes the directory with mode 0700, or makes sure that it is a real one of ours that nobody else
 * can write to.
 */
export function ensurePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stats = lstatSync(path);
  checkDirectory(path, stats);
  if (posix && (stats.mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

function checkDirectory(path: string, stats: Stats): void {
  if (stats.isSymbolicLink() || !stats.isDirectory()) refuse(path, "is not a directory of its own");
  checkOwner(path, stats, 0o022);
}

/**
 * The file's text, or undefined when there is none.
 * @throws {CliError} failure when the file or a directory up to `home` is a link, another user's or
 * open to others
 */
export function readPrivateFile(home: string, path: string): string | undefined {
  let file: number;
  try {
    for (
      let directory = dirname(path);
      directory.length >= home.length;
      directory = dirname(directory)
    ) {
      checkDirectory(directory, lstatSync(directory));
    }
    file = openSync(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    if (codeOf(error) === "ELOOP") refuse(path, "is a symbolic link");
    if (error instanceof CliError) throw error;
    throw new CliError("failure", `${path} cannot be read (${codeOf(error)})`);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) refuse(path, "is not a file");
    if (posix && stats.nlink > 1) refuse(path, "has another name (hard link)");
    checkOwner(path, stats, 0o077);
    if (stats.size > largestFile) refuse(path, "is too large to be ours");
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** The JSON object in the file; undefined when there is none, or when what is there is not one. */
export function readPrivateJson(home: string, path: string): Record<string, unknown> | undefined {
  const text = readPrivateFile(home, path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // A file that cannot be understood is as good as none: it will be written anew.
    return undefined;
  }
}

/** Makes every directory from `home` down to `directory` private. */
function ensureDirectories(home: string, directory: string): void {
  if (directory.length > home.length) ensureDirectories(home, dirname(directory));
  ensurePrivateDirectory(directory);
}

/**
 * A new file of mode 0600 beside `path`, whatever the umask; the caller renames, links or unlinks
 * it.
 * @param lasting false for one that need not outlive a power cut
 * @throws {CliError} failure
 */
export function writeTemporaryFile(
  home: string,
  path: string,
  text: string,
  lasting = false,
): string {
  made += 1;
  const unique = `${process.pid}-${process.hrtime.bigint().toString(36)}-${made}`;
  const temporary = join(dirname(path), `.${unique}.tmp`);
  return writing(path, () => {
    ensureDirectories(home, dirname(path));
    const file = openSync(temporary, "wx", 0o600);
    try {
      if (posix) fchmodSync(file, 0o600);
      writeFileSync(file, text);
      if (lasting) fsyncSync(file);
    } catch (error) {
      removeFile(temporary);
      throw error;
    } finally {
      closeSync(file);
    }
    return temporary;
  });
}

function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      "failure",
      `${path} cannot be written (${codeOf(error)}); POSTERN_HOME says where tokens are kept`,
    );
  }
}

/**
 * Writes the file so that a reader sees the old text or the new one, and nobody else sees either.
 */
export function writePrivateFile(home: string, path: string, text: string): void {
  const temporary = writeTemporaryFile(home, path, text, true);
  writing(path, () => renameSync(temporary, path));
}

/**
 * Creates the file with its whole text at once.
 * @returns false when it is there already
 */
export function createPrivateFile(home: string, path: string, text: string): boolean {
  const temporary = writeTemporaryFile(home, path, text);
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new CliError(
      "failure",
      `${path} cannot be written (${codeOf(error)}); POSTERN_HOME says where tokens are kept`,
    );
  } finally {
    unlinkSync(temporary);
  }
}

/** @returns whether there was one */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

const longestName = 150;

/**
 * A file name for any text, the same for the same text: letters, digits, dots and dashes stay, the
 * rest is escaped. Very long ones are cut; what is read back is compared with what was asked for,
 * so a collision only costs a new login.
 */
export function fileNameOf(text: string): string {
  const name = encodeURIComponent(text)
    .replaceAll("*", "%2A")
    .replaceAll("~", "%7E")
    .replace(/^\./, "%2E");
  if (name.length <= longestName) return name;
  let hash = 0n;
  for (let index = 0; index < text.length; index++)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  return `${name.slice(0, longestName)}~${hash.toString(36)}`;
}
