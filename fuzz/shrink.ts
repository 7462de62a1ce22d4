// Makes a case that fails as short as it gets: pieces are left out, large ones first, as long as
// what is left fails still.

/**
 * @param fails whether a case shows what is looked for
 * @returns a case that fails, from which no single byte can be left out
 */
export async function shrink(
  bytes: Buffer,
  fails: (bytes: Buffer) => boolean | Promise<boolean>,
): Promise<Buffer> {
  let shortest = bytes;
  let size = Math.ceil(bytes.length / 2);
  while (size > 0) {
    const before = shortest.length;
    shortest = await withoutPieces(shortest, size, fails);
    const isDone = size === 1 && shortest.length === before;
    if (isDone) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return shortest;
}

async function withoutPieces(
  bytes: Buffer,
  size: number,
  fails: (bytes: Buffer) => boolean | Promise<boolean>,
): Promise<Buffer> {
  let rest = bytes;
  let at = 0;
  while (at < rest.length) {
    const shorter = Buffer.concat([rest.subarray(0, at), rest.subarray(at + size)]);
    if (shorter.length > 0 && (await fails(shorter))) rest = shorter;
    else at += size;
  }
  return rest;
}
