/**
 * Where a reader stands in the extensions of a chunk (RFC 9112 7.1.1): `;name`, `;name=value` or
 * `;name="value"`, without blanks. Readers differ in what else they take for one, and so in where
 * the chunk begins.
 */
export type ExtensionPhase =
  | "name begins"
  | "in name"
  | "value begins"
  | "in value"
  | "in quotes"
  | "escaped"
  | "behind quotes"
  | "end";

const tab = 0x09;
const carriageReturn = 0x0d;
const quote = 0x22;
const semicolon = 0x3b;
const equals = 0x3d;
const backslash = 0x5c;

const tokens = new Set(Buffer.from("!#$%&'*+-.^_`|~0123456789"));

/**
 * Takes the next byte, behind a semicolon first.
 * @returns undefined when the bytes are no extensions; `end` at the carriage return behind them
 */
export function nextExtensionPhase(
  phase: ExtensionPhase,
  byte: number,
): ExtensionPhase | undefined {
  switch (phase) {
    case "name begins":
      return isToken(byte) ? "in name" : undefined;
    case "in name":
      if (isToken(byte)) return "in name";
      return byte === equals ? "value begins" : afterExtension(byte);
    case "value begins":
      if (isToken(byte)) return "in value";
      return byte === quote ? "in quotes" : undefined;
    case "in value":
      return isToken(byte) ? "in value" : afterExtension(byte);
    case "in quotes":
      if (byte === quote) return "behind quotes";
      if (byte === backslash) return "escaped";
      return isText(byte) ? "in quotes" : undefined;
    case "escaped":
      return isText(byte) ? "in quotes" : undefined;
    case "behind quotes":
      return afterExtension(byte);
    case "end":
      return undefined;
  }
}

function afterExtension(byte: number): ExtensionPhase | undefined {
  if (byte === semicolon) return "name begins";
  return byte === carriageReturn ? "end" : undefined;
}

function isToken(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a && byte >= 0x41) || tokens.has(byte);
}

function isText(byte: number): boolean {
  return byte === tab || (byte >= 0x20 && byte <= 0x7e);
}
