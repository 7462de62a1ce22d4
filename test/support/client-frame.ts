// A frame as a client sends it: masked, and with whatever else the test wants to be wrong.
/** @param mask default: four bytes that change every byte of a payload */
export function clientFrame(
  opcode: number,
  payload: string | Buffer,
  { final = true, mask = [0x1f, 0x2e, 0x3d, 0x4c] }: { final?: boolean; mask?: number[] } = {},
): Buffer {
  const bytes = Buffer.from(payload as string, "latin1");
  const head = [(final ? 0x80 : 0) | opcode, ...lengthBytes(bytes.length), ...mask];
  const masked = bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from(head), masked]);
}

function lengthBytes(length: number): number[] {
  if (length < 126) return [0x80 | length];
  if (length < 65_536) return [0x80 | 126, length >> 8, length & 0xff];
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64BE(BigInt(length));
  return [0x80 | 127, ...wide];
}
