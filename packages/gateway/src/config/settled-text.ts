// A file that somebody is writing: half of it may be a configuration as well, with applications
// missing, and half of a file that it names a shorter secret. It is taken when it was read twice
// alike, and what it names as well, with a moment between.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "./config-error.ts";
import { namedFiles } from "./fill-in.ts";

/** For how long a file must have been left alone, milliseconds. */
const quietMs = 1_000;
const attempts = 30;

/**
 * The text of a file that nobody is writing, nor any file that it names.
 * @throws {ConfigError} when it cannot be read, or does not come to rest
 */
export async function readSettledText(file: string): Promise<string> {
  let earlier = tryRead(file);
  for (let attempt = 0; attempt < attempts; attempt++) {
    await pause(quietMs);
    const later = tryRead(file);
    if (isSame(later, earlier)) return textOf(later, file);
    earlier = later;
  }
  throw new ConfigError(
    `${file}: keeps changing; leave it alone for a second, with the files it names, and it is read again`,
  );
}

/** @throws {ConfigError} when the file cannot be read */
export function readText(file: string): string {
  return textOf(tryRead(file), file);
}

type FileReading =
  | { ok: true; text: string; named: (string | undefined)[] }
  | { ok: false; code: string };

/** Absent for a moment counts as another state: editors remove a file and write it anew. */
function tryRead(file: string): FileReading {
  try {
    const text = readFileSync(file, "utf8");
    return { ok: true, text, named: namedFiles(text, dirname(resolve(file))) };
  } catch (error) {
    return { ok: false, code: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function isSame(one: FileReading, other: FileReading): boolean {
  if (!one.ok || !other.ok) return one.ok === other.ok;
  return one.text === other.text && isDeepStrictEqual(one.named, other.named);
}

function textOf(reading: FileReading, file: string): string {
  if (reading.ok) return reading.text;
  throw new ConfigError(`${file}: cannot be read (${reading.code}); name the file with --config`);
}
