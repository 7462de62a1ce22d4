// Copies of what is read from an origin, for the time that a write takes. Memory for them that is
// allocated anew each time drives the collector through the whole heap again and again
// (bench/README.md), so a buffer is used again when its write has ended.

/**
 * Bytes that one read brings at most. A large answer in pieces of this size costs half of what it
 * costs in pieces of 64 KiB: fewer system calls, and the client is woken less often. A client that
 * takes nothing makes the gateway keep one such piece.
 */
export const pieceBytes = 262_144;
/** Pieces that fill no more than half of a buffer get memory of their own size. */
const leastBytes = pieceBytes / 2;
/** Free buffers that are kept: 16 MiB. */
const freeLimit = 64;

const free: Buffer[] = [];

/**
 * Writes a copy of a piece.
 * @param write writes the bytes, and calls back once nobody reads them any more
 * @returns what `write` returns
 */
export function writeCopy(
  piece: Buffer,
  write: (copy: Buffer, onWritten?: () => void) => boolean,
): boolean {
  if (piece.length <= leastBytes || piece.length > pieceBytes) return write(Buffer.from(piece));
  const buffer = free.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
  piece.copy(buffer);
  return write(buffer.subarray(0, piece.length), () => giveBack(buffer));
}

function giveBack(buffer: Buffer): void {
  if (free.length < freeLimit) free.push(buffer);
}
