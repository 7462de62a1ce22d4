// Files that `postern init` makes, where nothing is yet: whole, or not at all.
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Refuses, before anything is asked, a file that cannot be written.
 * @throws {Error}
 */
export function refuseUnwritable(file: string): void {
  if (!isWritableNew(file))
    throw new Error(`${file} already exists; move it away, or choose another file with --output`);
}

/** @returns false where there is something already */
function isWritableNew(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK);
    return !isTaken(file);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** Whether there is something at the path, be it a link that leads nowhere. */
export function isTaken(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Makes a file; a disk that fills up meanwhile leaves no part of it.
 * @throws {Error} when it is there already, or cannot be written
 */
export function writeNew(file: string, content: string, mode: number): void {
  const descriptor = openNew(file, mode);
  try {
    writeFileSync(descriptor, content);
  } catch (error) {
    rmSync(file, { force: true });
    throw unwritable(file, error);
  } finally {
    closeSync(descriptor);
  }
}

function openNew(file: string, mode: number): number {
  try {
    return openSync(file, "wx", mode);
  } catch (error) {
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  return new Error(`${file} cannot be written (${code}); choose another file with --output`);
}
