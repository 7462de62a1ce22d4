// Shows what came from elsewhere without letting it steer the terminal (case C15): control
// characters, escape sequences, line ends and direction marks become visible.

const steering = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The text on one line. */
export function printable(text: string): string {
  return text.replace(steering, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : unicodeEscape(character);
  });
}

/** The value as JSON on one line, with the same characters escaped as JSON escapes them. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(steering, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
