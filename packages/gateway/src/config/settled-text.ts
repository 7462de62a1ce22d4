// A file that somebody is writing: half of it may be a configuration as well, with applications
// missing, and half of a file that it names a shorter secret. It is taken when it was read twice
// alike, and what it names as well, with a moment between.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ConfigError } from "./config-error.ts";
import { filesNamedIn, readNamedFile } from "./fill-in.ts";

/** For how long a file must have been left alone, milliseconds. */
const quietMs = 1_000;
const attempts = 30;

/** A configuration as it lies in its file. */
export interface FileText {
  text: string;
  /** of the text, and of what the files hold that it names: another one, and something changed */
  fingerprint: string;
}

/**
 * The text of a file that nobody is writing, nor any file that it names.
 * @throws {ConfigError} when it cannot be read, or does not come to rest
 */
export async function readSettledText(file: string): Promise<FileText> {
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
export function readText(file: string): FileText {
  return textOf(tryRead(file), file);
}

/** Every file that a configuration consists of now: its own, and those that it names. */
export function filesOfConfig(file: string): string[] {
  const reading = tryReadText(file);
  return reading.ok ? [file, ...filesNamedIn(reading.text, folderOf(file))] : [file];
}

type Unreadable = { ok: false; code: string };
type FileReading = ({ ok: true } & FileText) | Unreadable;

/** Absent for a moment counts as another state: editors remove a file and write it anew. */
function tryRead(file: string): FileReading {
  const reading = tryReadText(file);
  if (!reading.ok) return reading;
  const { text } = reading;
  const hash = createHash("sha256").update(text);
  for (const path of filesNamedIn(text, folderOf(file)))
    hash.update(JSON.stringify([path, readNamedFile(path)]));
  return { ok: true, text, fingerprint: hash.digest("base64url") };
}

function tryReadText(file: string): { ok: true; text: string } | Unreadable {
  try {
    return { ok: true, text: readFileSync(file, "utf8") };
  } catch (error) {
    return { ok: false, code: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function folderOf(file: string): string {
  return dirname(resolve(file));
}

function isSame(one: FileReading, other: FileReading): boolean {
  if (!one.ok || !other.ok) return one.ok === other.ok;
  return one.fingerprint === other.fingerprint;
}

function textOf(reading: FileReading, file: string): FileText {
  if (reading.ok) return reading;
  throw new ConfigError(
    `${file}: cannot be read (${reading.code}); name the file with --config or --check`,
  );
}
