import { createHash } from "node:crypto";

/**
 * The id of an object that states none: made of its kind and name, so that the same name is the
 * same object after every reload and in every process (configuration.md). UUID version 8 (RFC 9562
 * section 5.8).
 */
export function derivedId(kind: string, ...names: string[]): string {
  const bytes = createHash("sha256")
    .update(JSON.stringify([kind, ...names]))
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
