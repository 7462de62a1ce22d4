// Standard input and output as one side of a stream. Node never closes its own `process.stdout`:
// whoever reads it would wait for the end of a direction for as long as the other one goes on.
import { createWriteStream, fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { isTerminal } from "../terminal.ts";
import type { LocalSide } from "./carry.ts";

/** The two of this process. */
export function standardStreams(): LocalSide {
  const input = process.stdin;
  input.pause();
  return { input, output: openOutput(), endsWithOutput: isTerminal(0) };
}

function openOutput(): Writable {
  if (isTerminal(1)) return process.stdout;
  const stats = fstatSync(1);
  const isPipe = stats.isFIFO() || stats.isSocket();
  if (!isPipe) return createWriteStream("", { fd: 1, autoClose: false });
  return new Socket({ fd: 1, readable: false, writable: true });
}
