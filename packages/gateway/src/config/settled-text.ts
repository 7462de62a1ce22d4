// A file that somebody is writing: half of it may be a configuration as well, with applications
// missing. It is taken when it was read twice alike, with a moment between.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { ConfigError } from "./config-error.ts";

/** For how long a file must have been left alone, milliseconds. */
const quietMs = 1_000;
const attempts = 30;

/**
 * The text of a file that nobody is writing.
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
    `${file}: keeps changing; leave it alone for a second, and it is read again`,
  );
}

/** @throws {ConfigError} when the file cannot be read */
export function readText(file: string): string {
  return textOf(tryRead(file), file);
}

type FileReading = { ok: true; text: string } | { ok: false; code: string };

/** Absent for a moment counts as another state: editors remove a file and write it anew. */
function tryRead(file: string): FileReading {
  try {
    return { ok: true, text: readFileSync(file, "utf8") };
  } catch (error) {
    return { ok: false, code: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function isSame(one: FileReading, other: FileReading): boolean {
  if (one.ok !== other.ok) return false;
  return one.ok && other.ok ? one.text === other.text : true;
}

function textOf(reading: FileReading, file: string): string {
  if (reading.ok) return reading.text;
  throw new ConfigError(`${file}: cannot be read (${reading.code}); name the file with --config`);
}
