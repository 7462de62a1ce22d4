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
import { parseJsonObject } from "../json-object.ts";

const isPosix = process.platform !== "win32";
const largestFile = 2 * 1024 * 1024;
/** Makes the names of this process's temporary files different. */
let temporaryFiles = 0;

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(error));
}

function refuse(path: string, why: string): never {
  throw new CliError(
    "failure",
    `${path} ${why} and is not used: somebody else may control it. Remove it, or make it yours alone (chown, chmod go=)`,
  );
}

/**
 * A file that the system does not let us change: a full or read-only disk, or a directory without
 * the permission. Other than a refusal, it says nothing against what is stored.
 */
export class UnwritableError extends CliError {
  /** @param verb what failed: `written` or `removed` */
  constructor(path: string, verb: string, error: unknown) {
    const fault = `${path} cannot be ${verb} (${codeOf(error)})`;
    super("failure", `${fault}; set POSTERN_HOME to keep tokens elsewhere`);
    this.name = "UnwritableError";
  }
}

/**
 * Changes what may stay as it is: a cache, or a token that is of no use any more. A full or
 * read-only disk ends no command that can do its work without.
 * @returns why it stayed as it was; undefined when it was changed
 * @throws {CliError} failure when somebody else may control the place
 */
export function attemptWrite(change: () => void): UnwritableError | undefined {
  try {
    change();
    return undefined;
  } catch (error) {
    if (error instanceof UnwritableError) return error;
    throw error;
  }
}

/** @param forbidden permission bits */
function checkOwner(path: string, stats: Stats, forbidden: number): void {
  if (!isPosix) return;
  if (stats.uid !== process.getuid?.()) refuse(path, "belongs to another user");
  if ((stats.mode & forbidden) !== 0) refuse(path, "is open to other users");
}

/**
 * Makes the directory with mode 0700, or makes sure that it is a real one of ours that nobody else
 * can write to.
 */
function ensurePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stats = lstatSync(path);
  checkDirectory(path, stats);
  if (isPosix && (stats.mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

function checkDirectory(path: string, stats: Stats): void {
  if (stats.isSymbolicLink() || !stats.isDirectory())
    refuse(path, "is not a directory, or is a link to one");
  checkOwner(path, stats, 0o022);
}

/**
 * The file's text, or undefined when there is none.
 * @throws {CliError} failure when the file or a directory up to `home` is a link, another user's or
 * open to others
 */
export function readPrivateFile(home: string, path: string): string | undefined {
  const file = openPrivateFile(home, path);
  if (file === undefined) return undefined;
  try {
    checkFile(path, fstatSync(file));
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** @returns a descriptor; undefined when there is no such file */
function openPrivateFile(home: string, path: string): number | undefined {
  try {
    checkDirectories(home, dirname(path));
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (isAbsent(error)) return undefined;
    if (codeOf(error) === "ELOOP") refuse(path, "is a symbolic link");
    throw new CliError("failure", `${path} cannot be read (${codeOf(error)})`);
  }
}

/** Checks every directory from `directory` up to `home`. */
function checkDirectories(home: string, directory: string): void {
  checkDirectory(directory, lstatSync(directory));
  if (directory.length > home.length) checkDirectories(home, dirname(directory));
}

function checkFile(path: string, stats: Stats): void {
  if (!stats.isFile()) refuse(path, "is not a file");
  if (isPosix && stats.nlink > 1) refuse(path, "has another name (hard link)");
  checkOwner(path, stats, 0o077);
  if (stats.size > largestFile) refuse(path, "is too large for a file of postern's");
}

/**
 * The JSON object in the file; undefined when there is none, or when what is there is not one: a
 * file that cannot be understood will be written anew.
 * @throws {CliError} failure, as `readPrivateFile`
 */
export function readPrivateJson(home: string, path: string): Record<string, unknown> | undefined {
  const text = readPrivateFile(home, path);
  return text === undefined ? undefined : parseJsonObject(text);
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
 * @returns its path
 * @throws {CliError} failure
 */
export function writeTemporaryFile(
  home: string,
  path: string,
  text: string,
  lasting = false,
): string {
  temporaryFiles += 1;
  const unique = `${process.pid}-${process.hrtime.bigint().toString(36)}-${temporaryFiles}`;
  const temporary = join(dirname(path), `.${unique}.tmp`);
  try {
    ensureDirectories(home, dirname(path));
    writeNewFile(temporary, text, lasting);
    return temporary;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new UnwritableError(path, "written", error);
  }
}

function writeNewFile(path: string, text: string, lasting: boolean): void {
  const file = openSync(path, "wx", 0o600);
  try {
    if (isPosix) fchmodSync(file, 0o600);
    writeFileSync(file, text);
    if (lasting) fsyncSync(file);
  } catch (error) {
    removeFile(path);
    throw error;
  } finally {
    closeSync(file);
  }
}

/**
 * Writes the file so that a reader sees the old text or the new one, and nobody else sees either.
 * @param lasting false for a file that need not outlive a power cut
 * @throws {CliError} failure
 */
export function writePrivateFile(home: string, path: string, text: string, lasting = true): void {
  const temporary = writeTemporaryFile(home, path, text, lasting);
  try {
    renameSync(temporary, path);
  } catch (error) {
    removeFile(temporary);
    throw new UnwritableError(path, "written", error);
  }
}

/**
 * Creates the file with its whole text at once, where the file system has hard links. Elsewhere it
 * is there, and empty, for a moment before its text is.
 * @returns false when it is there already
 * @throws {CliError} failure
 */
export function createPrivateFile(home: string, path: string, text: string): boolean {
  const temporary = writeTemporaryFile(home, path, text);
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    if (linkless.has(codeOf(error))) return createWithoutLink(path, text);
    throw new UnwritableError(path, "written", error);
  } finally {
    removeFile(temporary);
  }
}

/** What a file system says that has no hard links: FAT, exFAT, many of FUSE and of networks. */
const linkless = new Set(["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EXDEV"]);

function createWithoutLink(path: string, text: string): boolean {
  try {
    writeNewFile(path, text, false);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new UnwritableError(path, "written", error);
  }
}

/**
 * @returns whether there was one
 * @throws {UnwritableError}
 */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw new UnwritableError(path, "removed", error);
  }
}

const longestName = 150;

/**
 * A file name for any text, the same for the same text: letters, digits, dots and dashes stay, the
 * rest is escaped. Very long ones are cut and get a hash. What is read back is compared with what
 * was asked for, so a collision only costs a new login.
 */
export function fileNameOf(text: string): string {
  const name = encodeURIComponent(text)
    .replaceAll("*", "%2A")
    .replaceAll("~", "%7E")
    .replace(/^\./, "%2E");
  if (name.length <= longestName) return name;
  return `${name.slice(0, longestName)}~${hashOf(text).toString(36)}`;
}

/** FNV-1a, 64 bits from a zero basis, over UTF-16 units. */
function hashOf(text: string): bigint {
  let hash = 0n;
  for (let index = 0; index < text.length; index++)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  return hash;
}
