// Writes to standard output and standard error past `process.stdout` and `process.stderr`. Merely
// looking at these loads Node's networking for a pipe, which takes longer than everything else that
// `access token` does, and makes the pipe non-blocking: for the tool that this process runs or
// becomes as well, whose output would then get lost when its reader is slow.
import { writeSync } from "node:fs";
import { CliError } from "./exit-status.ts";

type Descriptor = 1 | 2;

/** What a write fails with when its reader has gone. */
const readerGone = new Set(["EPIPE", "EBADF"]);
/**
 * Where Node's own stream had to take over: from then on everything goes through it, to keep the
 * order.
 */
const streams = new Map<Descriptor, NodeJS.WriteStream>();

/**
 * Writes what the command is for.
 * @throws {CliError} failure when it cannot be written, for example to a full disk
 */
export function writeOutput(text: string): void {
  write(1, text);
}

/** Writes for the person. What cannot be written is lost: there is nowhere left to say so. */
export function writeError(text: string): void {
  try {
    write(2, text);
  } catch {
    // As above.
  }
}

function write(descriptor: Descriptor, text: string): void {
  const stream = streams.get(descriptor);
  if (stream !== undefined) {
    stream.write(text);
    return;
  }
  const bytes = Buffer.from(text);
  let count = 0;
  try {
    while (count < bytes.length) count += writeSync(descriptor, bytes, count);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // Nobody is left to be told.
    if (readerGone.has(code)) return;
    if (code !== "EAGAIN")
      throw new CliError("failure", `cannot write to standard output (${code})`);
    // Full, and non-blocking by somebody else's doing: Node's own stream knows how to wait.
    handOver(descriptor).write(bytes.subarray(count));
  }
}

function handOver(descriptor: Descriptor): NodeJS.WriteStream {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  stream.on("error", () => {});
  streams.set(descriptor, stream);
  return stream;
}
