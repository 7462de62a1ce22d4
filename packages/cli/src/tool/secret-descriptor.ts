// Hands a secret to a child as an open file without a name, read as /dev/fd/N: it is in no argument
// list, in no environment, and nothing is left on the disk however the child ends (case C9).
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.ts";
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

  /** @returns the name under which the child reads the text */
  add(text: string): string {
    const file = writeTemporaryFile(this.#home, join(this.#home, "run", "secret"), text);
    if (process.platform === "win32") {
      // No descriptors by name there: a private file, removed when the child has ended.
      this.#temporaryFiles.push(file);
      return file;
    }
    // Opened anew for reading: where /dev/fd duplicates descriptors (macOS), the offset must be at
    // the start.
    try {
      const count = this.descriptors.push(openSync(file, "r"));
      return `/dev/fd/${firstDescriptor + count - 1}`;
    } finally {
      removeFile(file);
    }
  }

  /** Closes our side, and removes what has a name. */
  close(): void {
    for (const descriptor of this.descriptors) closeSync(descriptor);
    for (const file of this.#temporaryFiles) removeFile(file);
    this.#temporaryFiles = [];
  }
}
