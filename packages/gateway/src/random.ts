/**
 * Cryptographic randomness, `size` bytes. A parameter like the clock: it is chosen in one place.
 */
export type RandomBytes = (size: number) => Buffer;

/** A random UUID, version 4 (RFC 9562 5.4). */
export function randomUuid(randomBytes: RandomBytes): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
