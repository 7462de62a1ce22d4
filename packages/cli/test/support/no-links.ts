// A file system without hard links, as FAT and many network file systems are: for processes that
// are started with it.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/**
 * Needs a C compiler.
 * @param folder for what is compiled
 * @returns what such a process has in its environment
 */
export function withoutLinks(folder: string): Record<string, string> {
  const library = join(folder, "no-links.so");
  const source = join(import.meta.dirname, "no-links.c");
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source]);
  return { LD_PRELOAD: library };
}
