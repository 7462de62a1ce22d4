// Shows what came from elsewhere without letting it steer the terminal (case C15): control
// characters, escape sequences, line ends and direction marks become visible.

/** The text on one line. */
export function printable(text: string): string {
  return withEscapes(text, (character) => {
    const code = codeOf(character);
    return code < 0x100 ? `\\x${hexadecimal(code, 2)}` : unicodeEscape(character);
  });
}

/**
 * The value as JSON, with the same characters escaped as JSON escapes them.
 * @param indent blanks; without, it is one line
 */
export function printableJson(value: unknown, indent?: number): string {
  const lines = JSON.stringify(value, undefined, indent).split("\n");
  return lines.map((line) => withEscapes(line, unicodeEscape)).join("\n");
}

/**
 * The pattern stands here, and not above, to be compiled only where it is needed: it takes V8 long.
 */
function withEscapes(text: string, escapeOf: (character: string) => string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    escapeOf,
  );
}

function unicodeEscape(character: string): string {
  return `\\u${hexadecimal(codeOf(character), 4)}`;
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function hexadecimal(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
