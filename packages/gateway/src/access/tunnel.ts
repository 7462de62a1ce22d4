// Bytes both ways between two streams, as they arrive and no faster than the other side takes them.
// An end goes on as an end, so that either side may still answer; what breaks off breaks the other
// side off.
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Bytes that a connection has carried in both directions. */
export function trafficOf(socket: Socket): () => number {
  return () => socket.bytesRead + socket.bytesWritten;
}

/** Cuts both streams. */
export function cutBoth(one: Duplex, other: Duplex): () => void {
  return () => {
    one.destroy();
    other.destroy();
  };
}

/** Joins two streams until both are closed. Each must be allowed to be half open. */
export function joinStreams(one: Duplex, other: Duplex): void {
  carry(one, other);
  carry(other, one);
}

function carry(source: Duplex, target: Duplex): void {
  source.on("data", (chunk: Buffer) => {
    if (!target.write(chunk)) source.pause();
  });
  target.on("drain", () => source.resume());
  whenEnded(source, () => target.end());
  source.on("error", ignore);
  source.on("close", () => {
    if (source.readableEnded) finish(target);
    else target.destroy();
  });
  source.resume();
}

/**
 * Calls back at the end of what a stream sends, or at once where that has come already: a socket
 * that nothing waits to be read from says so before anybody listens.
 */
export function whenEnded(source: Duplex, callback: () => void): void {
  if (source.readableEnded) callback();
  else source.once("end", callback);
}

/** Nobody takes anything more from it: it is closed once it has what was written. */
function finish(stream: Duplex): void {
  if (stream.writableFinished || stream.destroyed) stream.destroy();
  else stream.once("finish", () => stream.destroy());
}

function ignore(): void {}
