// Another program's settings file: read, changed in one step, and never where that program has
// changed it meanwhile.
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../exit-status.ts";

/** @returns empty where there is no such file */
export function readSettings(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw unusable(path, "read", error);
  }
}

/**
 * Writes the file in one step. A link stays one, and what it leads to keeps its mode.
 * @param before its text when it was read
 * @throws {CliError} failure
 */
export function replaceSettings(path: string, before: string, after: string): void {
  const file = targetOf(path);
  const temporary = `${file}.postern-${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeWhole(temporary, after, modeOf(file));
    if (readSettings(file) !== before)
      throw new CliError("failure", `${path} is being changed by another program; try again`);
    renameSync(temporary, file);
  } catch (error) {
    removeQuietly(temporary);
    if (error instanceof CliError) throw error;
    throw unusable(path, "written", error);
  }
}

function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function modeOf(file: string): number {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600;
  return mode & 0o777;
}

function writeWhole(path: string, text: string, mode: number): void {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  chmodSync(path, mode);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not made.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

function unusable(path: string, verb: string, error: unknown): CliError {
  return new CliError("failure", `${path} cannot be ${verb} (${codeOf(error)}); use --print`);
}
