import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/**
 * The text of a regular file, also behind links: Kubernetes mounts its secrets that way.
 * @param limit bytes
 * @throws {Error} when it cannot be read, is no regular file, or is longer
 */
export function readBoundedFile(path: string, limit: number): string {
  const file = openSync(path, "r");
  try {
    if (!fstatSync(file).isFile()) throw new Error("it is no file");
    const buffer = Buffer.alloc(limit + 1);
    const length = readSync(file, buffer);
    if (length > limit) throw new Error(`it is longer than ${limit} bytes`);
    return buffer.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}
