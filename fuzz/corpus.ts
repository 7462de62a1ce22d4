// The cases that are kept: each was read differently by two programs once, or is of a kind that is
// known to be. A file is one case, as case-text.ts writes it; its name says what is odd in it.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCase, printCase } from "./case-text.ts";

const folder = join(import.meta.dirname, "corpus");

/** A kept case. */
export interface KeptCase {
  name: string;
  bytes: Buffer;
}

/** The cases of a subject or a target, by name. */
export function readCorpus(subject: string): KeptCase[] {
  const names = readdirSync(join(folder, subject)).filter((name) => name.endsWith(".txt"));
  return names.sort().map((name) => ({
    name: name.slice(0, -".txt".length),
    bytes: parseCase(readFileSync(join(folder, subject, name), "utf8")),
  }));
}

/** Keeps a case under a name of its own. @returns the file */
export function keepCase(subject: string, bytes: Buffer): string {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const file = join(folder, subject, `found-${hash}.txt`);
  mkdirSync(join(folder, subject), { recursive: true });
  writeFileSync(file, printCase(bytes));
  return file;
}
