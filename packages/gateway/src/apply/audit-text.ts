import { createHash } from "node:crypto";
import { isMap } from "../model/read-value.ts";

/** Characters of JSON: entries are kept for long, and a list has room for megabytes. */
const longestText = 64 * 1024;

/**
 * What the audit trail keeps of a value. What is longer is told by its size and its digest, which
 * says whether two are the same.
 */
export function auditText(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  if (text.length <= longestText) return text;
  const { id, name } = isMap(value) ? value : {};
  const sha256 = createHash("sha256").update(text).digest("hex");
  return JSON.stringify({ id, name, left_out: { characters: text.length, sha256 } });
}
