// What commands print that came from elsewhere: names by the API, what clients asked for. None of
// it steers the terminal or makes a line of its own (case C15).

/** The text on one line: what terminals obey, ends of lines and marks of direction are escapes. */
export function onOneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    unicodeEscape,
  );
}

/** The same JSON: what of these it lets stand is in strings, where an escape says the same. */
export function asPlainJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    unicodeEscape,
  );
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
