// How SSH writes values (RFC 4251 section 5). Keys are made of fields that each have their length
// before them; certificates hold numbers as well.

/** Four bytes, the most significant first. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Eight bytes, the most significant first. */
export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/** Bytes with their length before them. */
export function string(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/**
 * A number that is not negative, in as few bytes as it needs.
 * @param magnitude the most significant byte first; zeros may stand before it
 */
export function mpint(magnitude: Buffer): Buffer {
  const start = magnitude.findIndex((byte) => byte !== 0);
  if (start < 0) return string("");
  const digits = magnitude.subarray(start);
  // A first bit of one would be a sign.
  const sign = Buffer.alloc(digits.readUInt8(0) >= 0x80 ? 1 : 0);
  return string(Buffer.concat([sign, digits]));
}

/** The fields of bytes that consist of strings and mpints alone; undefined for any others. */
export function splitFields(bytes: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + 4;
    if (start > bytes.length) return undefined;
    const end = start + bytes.readUInt32BE(offset);
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(start, end));
    offset = end;
  }
  return fields;
}
