// Hands a secret to a child as an open file without a name, read as /dev/fd/N: it is in no argument
// list, in no environment, and nothing is left on the disk however the child ends (case C9).
import { closeSync, constants, fchmodSync, fstatSync, openSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { bytesOf } from "../raw-bytes.ts";
import { removeFile, writeTemporaryFile } from "../store/private-files.ts";

/** Descriptor 3 is the first that a child gets beside its standard streams. */
const firstDescriptor = 3;

/** The secrets of one run of a tool. */
export class SecretDescriptors {
  readonly #home: string;
  /** open files that become 3, 4, … of the child */
  readonly descriptors: number[] = [];
  #temporaryFiles: string[] = [];

  constructor({ home }: Pick<Context, "home">) {
    this.#home = home;
  }

  /**
   * @returns the name under which the child reads the text
   * @throws {CliError} failure where no folder takes a file
   */
  add(text: string): string {
    if (process.platform === "win32") {
      // No descriptors by name there: a private file, removed when the child has ended.
      const file = writeTemporaryFile(this.#home, join(this.#home, "run", "secret"), text);
      this.#temporaryFiles.push(file);
      return file;
    }
    const count = this.descriptors.push(openNameless(bytesOf(text), this.#folders()));
    return `/dev/fd/${firstDescriptor + count - 1}`;
  }

  /** Memory first: the home may be read-only, and a disk full. */
  #folders(): string[] {
    return ["/dev/shm", tmpdir(), this.#home];
  }

  /** Closes our side, and removes what has a name. */
  close(): void {
    for (const descriptor of this.descriptors) closeSync(descriptor);
    for (const file of this.#temporaryFiles) removeFile(file);
    this.#temporaryFiles = [];
  }
}

/** Makes the names of this process's files different. */
let files = 0;

/** A file with these bytes, open for reading, in the first folder that takes one. */
function openNameless(bytes: Buffer, folders: readonly string[]): number {
  const faults: string[] = [];
  for (const folder of folders) {
    files += 1;
    const path = join(folder, `.postern-${process.pid}-${process.hrtime.bigint()}-${files}`);
    try {
      return openNew(path, bytes);
    } catch (error) {
      faults.push(reasonOf(error));
    }
  }
  throw new CliError(
    "failure",
    `no folder can hold a temporary file (${faults.join("; ")}); set TMPDIR to a writable one`,
  );
}

/**
 * The folder may be open to everybody: the file is a new one of mode 0600, and nobody has put
 * another one in its place before it was opened for reading. Opened anew, because where /dev/fd
 * duplicates descriptors (macOS) the offset must be at the start.
 */
function openNew(path: string, bytes: Buffer): number {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
  const target = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(target, 0o600);
    writeFileSync(target, bytes);
    const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW);
    if (fstatSync(descriptor).ino === fstatSync(target).ino) return descriptor;
    closeSync(descriptor);
    throw new Error(`${path} was replaced`);
  } finally {
    closeSync(target);
    removeFile(path);
  }
}
