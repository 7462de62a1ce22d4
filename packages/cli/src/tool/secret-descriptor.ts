// Hands a secret to a child as an open file without a name, read as /dev/fd/N: it is in no argument
// list, in no environment, and nothing is left on the disk however the child ends (case C9).
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { removeFile, writeTemporaryFile } from "../store/private-files.ts";

export class SecretDescriptors {
  readonly #context: Pick<Context, "home">;
  readonly descriptors: number[] = [];
  #leftovers: string[] = [];

  constructor(context: Pick<Context, "home">) {
    this.#context = context;
  }

  /** @returns the name under which the child reads the text */
  add(text: string): string {
    const { home } = this.#context;
    const file = writeTemporaryFile(home, join(home, "run", "secret"), text);
    if (process.platform === "win32") {
      // No descriptors by name there: a private file, removed when the child has ended.
      this.#leftovers.push(file);
      return file;
    }
    // Opened anew for reading: where /dev/fd duplicates descriptors (macOS), the offset must be at
    // the start.
    try {
      this.descriptors.push(openSync(file, "r"));
    } finally {
      removeFile(file);
    }
    return `/dev/fd/${2 + this.descriptors.length}`;
  }

  close(): void {
    for (const descriptor of this.descriptors) closeSync(descriptor);
    for (const file of this.#leftovers) removeFile(file);
    this.#leftovers = [];
  }
}
