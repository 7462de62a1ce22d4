// Cases as text that a person can read, compare and edit: a line for each line on the wire, and
// escapes for what does not show. Line feeds of the text itself mean nothing.
//
//   GET / HTTP/1.1\r\n
//   Host: a\r\n
//   \r\n

const names: Record<string, string> = { "\r": "\\r", "\n": "\\n\n", "\t": "\\t", "\\": "\\\\" };

/** Bytes as text. */
export function printCase(bytes: Buffer): string {
  const text = bytes.toString("latin1").replace(/[\r\n\t\\]|[^\x20-\x7e]| $/gm, escapeOf);
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** Text as bytes. @throws of an escape that is none */
export function parseCase(text: string): Buffer {
  const plain = text
    .replaceAll("\n", "")
    .replace(/\\(?:([rnt\\])|x([0-9a-f]{2})|.|$)/g, (whole, letter, hex) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      const character = characters.get(letter);
      if (character === undefined) throw new Error(`${whole} is no escape`);
      return character;
    });
  return Buffer.from(plain, "latin1");
}

const characters = new Map([
  ["r", "\r"],
  ["n", "\n"],
  ["t", "\t"],
  ["\\", "\\"],
]);

function escapeOf(character: string): string {
  const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
  return names[character] ?? `\\x${hex}`;
}
