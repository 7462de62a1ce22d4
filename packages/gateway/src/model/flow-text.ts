// A small value as YAML in one line, for messages that say what to write.

const longestText = 120;
/** What YAML reads as text without quotes, also between brackets. */
const plain = /^[A-Za-z0-9_./@+-][\w./@+ -]*$/;
const readAsOther =
  /^(?:[-+]?[\d_]+(?:\.\d*)?(?:e[-+]?\d+)?|0[xo][\da-f]+|true|false|null|yes|no|on|off)$/i;

/** @returns undefined where it would be too long to read, or looks like a secret */
export function flowText(value: unknown): string | undefined {
  const text = flow(value, 0);
  return text === undefined || text.length > longestText ? undefined : text;
}

function flow(value: unknown, depth: number): string | undefined {
  if (depth > 4) return undefined;
  if (typeof value === "string") return scalar(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value))
    return joined(
      value.map((item) => flow(item, depth + 1)),
      "[",
      "]",
    );
  if (typeof value !== "object" || value === null) return undefined;
  const fields = Object.entries(value).map(([key, item]) => {
    const text = flow(item, depth + 1);
    return text === undefined ? undefined : `${key}: ${text}`;
  });
  return joined(fields, "{", "}");
}

function joined(parts: readonly (string | undefined)[], open: string, close: string) {
  return parts.includes(undefined) ? undefined : `${open}${parts.join(", ")}${close}`;
}

function scalar(text: string): string | undefined {
  if (looksSecret(text)) return undefined;
  return plain.test(text) && !readAsOther.test(text) ? text : JSON.stringify(text);
}

/** Long, with letters and digits, and no name of anything: what machines make. */
function looksSecret(text: string): boolean {
  return /^[\w+/=~-]{20,}$/.test(text) && /\d/.test(text) && /[A-Za-z]/.test(text);
}
