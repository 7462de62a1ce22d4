import type { FieldPath, Report } from "../model/problem.ts";
import { isMap } from "../model/read-value.ts";

/** Fields whose value another program compares byte for byte. */
const exactField = /(?:^|_)(?:id|aud|secret|password|user|username|key|token)s?$/i;
/** At an edge: blanks of every kind, and what has no width. */
const beginning = /^[\s\p{Cf}]/u;
const end = /[\s\p{Cf}]$/u;
const invisible = /[\p{Cc}\p{Cf}]/u;
/** The marks that a text has around it where it was copied from one. */
const quotes = /^(?:".*"|'.*'|“.*”|‘.*’|«.*»|`.*`)$/su;
const names: Readonly<Record<string, string>> = {
  " ": "a blank",
  "\t": "a tab",
  "\n": "a line feed",
  "\r": "a carriage return",
  "\u00a0": "a no-break space",
  "\u200b": "a zero-width space",
  "\ufeff": "a byte order mark",
};
/** A key of many lines, each of which ends with a line break (RFC 7468). */
const pem = /^-----BEGIN [A-Z ]+-----\r?\n/;

/**
 * Warns of blanks at an edge, of what cannot be seen and of quotation marks around it, in ids and
 * secrets and in whatever came from outside the file: a carriage return at the end of a variable
 * looks like nothing, and the provider says `invalid_client`.
 * @param isFilledIn whether the value at a path came from outside the file
 */
export function warnOfStrayCharacters(
  value: unknown,
  isFilledIn: (path: FieldPath) => boolean,
  report: Report,
  path: FieldPath = [],
): void {
  if (typeof value === "string") {
    const fault = faultOf(value);
    if (fault !== undefined && (isExact(path) || isFilledIn(path))) report.warning(path, fault);
    return;
  }
  const entries = Array.isArray(value) ? [...value.entries()] : [];
  const fields = isMap(value) ? Object.entries(value) : entries;
  for (const [key, item] of fields) warnOfStrayCharacters(item, isFilledIn, report, [...path, key]);
}

/** An item of a list is as exact as the list. `smtp` is a URL with a password in it. */
function isExact(path: FieldPath): boolean {
  const name = path.findLast((part) => typeof part === "string");
  return path[0] === "smtp" || exactField.test(String(name));
}

function faultOf(text: string): string | undefined {
  if (pem.test(text)) return undefined;
  const [first] = beginning.exec(text) ?? [];
  if (first !== undefined) return advice("begins with", first);
  const [last] = end.exec(text) ?? [];
  if (last !== undefined) return advice("ends with", last);
  const [inner] = invisible.exec(text) ?? [];
  if (inner !== undefined) return advice("holds", inner);
  if (quotes.test(text)) return "stands in quotation marks; remove them, unless they belong there";
  return undefined;
}

function advice(where: string, character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  const code = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  const name = names[character] ?? "an invisible character";
  return `${where} ${name} (${code}); remove it, unless it belongs there`;
}
