import type { FieldPath, Report } from "../model/problem.ts";
import { isMap } from "../model/read-value.ts";

/** Fields whose value another program compares byte for byte. */
const exactField = /(?:^|_)(?:id|aud|secret|password|user|username|key|token)s?$/i;
const edge = /^\s|\s$/;
const control = /\p{Cc}/u;
/** A key of many lines, each of which ends with a line break (RFC 7468). */
const pem = /^-----BEGIN [A-Z ]+-----\r?\n/;

/**
 * Warns of blanks at an edge and of control characters, in ids and secrets and in whatever came
 * from outside the file: a carriage return at the end of a variable looks like nothing, and the
 * provider says `invalid_client`.
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
  if (edge.test(text))
    return "begins or ends with a blank or a line break; remove it, unless it belongs there";
  if (control.test(text)) return "holds a control character; remove it, unless it belongs there";
  return undefined;
}
