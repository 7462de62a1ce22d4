// Text that may hold bytes which are not UTF-8, as arguments and files of Unix may. Such a byte is
// a lone surrogate, U+DC80 to U+DCFF (as in PEP 383), which no valid text holds: so such text can
// be searched, cut and joined like any other, and gives its bytes back.

const firstRawByte = 0xdc00;
/** A byte that was not UTF-8 and whose value is lost. */
export const unknownByte = "\udc00";

/** The text of the bytes. */
export function decodeBytes(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\ufffd")) return text;
  let decoded = "";
  for (let index = 0; index < bytes.length; ) {
    const character = characterAt(bytes, index);
    decoded += character ?? String.fromCharCode(firstRawByte + (bytes[index] ?? 0));
    index += character === undefined ? 1 : Buffer.byteLength(character);
  }
  return decoded;
}

/** The character that begins there; undefined where the byte is not UTF-8. */
function characterAt(bytes: Buffer, index: number): string | undefined {
  for (const length of [1, 2, 3, 4]) {
    const piece = bytes.subarray(index, index + length);
    const character = piece.toString("utf8");
    if (Buffer.from(character).equals(piece) && piece.length === length) return character;
  }
  return undefined;
}

/** Whether the text holds a byte that is not UTF-8. */
export function hasRawBytes(text: string): boolean {
  return /[\udc00-\udcff]/u.test(text);
}

/** The bytes of the text, as they came. */
export function bytesOf(text: string): Buffer {
  const pieces = text.split(/([\udc00-\udcff])/u);
  return Buffer.concat(
    pieces.map((piece, index) => (index % 2 === 0 ? Buffer.from(piece) : rawByte(piece))),
  );
}

function rawByte(surrogate: string): Buffer {
  return Buffer.of(surrogate.charCodeAt(0) - firstRawByte);
}

/** The text with each such byte as a URL writes it (RFC 3986 2.1). */
export function percentEncodeRawBytes(text: string): string {
  return withRawBytesAs(text, (hexadecimal) => `%${hexadecimal.toUpperCase()}`);
}

/** The text for a message. */
export function showRawBytes(text: string): string {
  return withRawBytesAs(text, (hexadecimal) => `\\x${hexadecimal}`);
}

function withRawBytesAs(text: string, write: (hexadecimal: string) => string): string {
  if (!hasRawBytes(text)) return text;
  return text.replace(/[\udc00-\udcff]/gu, (surrogate) =>
    write(rawByte(surrogate).toString("hex")),
  );
}
