// Standard error, written without waiting for whoever reads it. A write to a full pipe, or to a
// terminal that was stopped with Ctrl-S, would otherwise stop every request.
import { constants, fstatSync, openSync, writeSync } from "node:fs";

/** Takes bytes without waiting, and never throws. */
export interface LogSink {
  /** @returns how many of the bytes were taken; fewer than all when no more can be at the moment */
  write(bytes: Buffer): number;
}

const standardError = 2;

/** The sink for file descriptor 2, whatever that is. */
export function openStandardError(): LogSink {
  const descriptor = nonBlockingDescriptor();
  return {
    write(bytes) {
      try {
        return writeSync(descriptor, bytes);
      } catch {
        // The pipe is full (EAGAIN) or closed (EPIPE), or the disk is full (ENOSPC): all may pass.
        return 0;
      }
    },
  };
}

function nonBlockingDescriptor(): number {
  // A file has no reader to wait for. Opened again, it would be written from its beginning.
  if (isFile(standardError)) return standardError;
  try {
    // O_NONBLOCK belongs to the open file, which other programs may share: this one is opened anew.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return openSync(`/proc/self/fd/${standardError}`, flags);
  } catch {
    // A socket, as services of systemd have; a pipe of another user; a system without /proc.
    // Node makes the descriptor of a stream non-blocking, and does so when it is first used.
    void process.stderr;
    return standardError;
  }
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}
