import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Stage } from "../stage.ts";
import { requestTo, type Target } from "./probe.ts";

/** Bytes that are gathered before they are written. */
const pieceSize = 2 ** 22;

/**
 * Writes requests that differ, for `requestsFile` of wrk.
 * @param name of the file
 * @returns its path
 */
export function writeRequests(stage: Stage, name: string, targets: Iterable<Target>): string {
  const path = join(stage.folder, name);
  const file = openSync(path, "w");
  let piece = "";
  for (const target of targets) {
    piece += `${requestTo(target)}\0`;
    if (piece.length < pieceSize) continue;
    writeSync(file, piece);
    piece = "";
  }
  writeSync(file, piece);
  closeSync(file);
  return path;
}
