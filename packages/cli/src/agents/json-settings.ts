// Puts an entry into settings in JSON, with or without comments. It is put in as text, so that
// comments, order and layout stay; then the result is read, and has to be what was there and the
// entry, or nothing is changed.
import { isDeepStrictEqual } from "node:util";
import { parseJsonObject } from "../json-object.ts";
import { lastMembers, type ObjectText, plainJson } from "./json-text.ts";
import type { Insertion, SettingsEntry } from "./settings-entry.ts";

/** @param text of the file; empty where there is none */
export function insertIntoJson(text: string, entry: SettingsEntry): Insertion {
  const { section, name, value } = entry;
  if (text.trim() === "") return { ok: true, text: `${jsonBlock(entry)}\n` };
  const settings = parseJsonObject(plainJson(text));
  if (settings === undefined) return { ok: false, why: "is not JSON" };
  const servers = settings[section] ?? {};
  if (!isObject(servers)) return { ok: false, why: `has a "${section}" that is no object` };
  if (isDeepStrictEqual(servers[name], value)) return { ok: true, text: undefined };
  if (Object.hasOwn(servers, name)) return { ok: false, why: `has another "${name}" already` };
  const changed = withEntry(text, entry);
  const expected = { ...settings, [section]: { ...servers, [name]: value } };
  const isAsExpected = isDeepStrictEqual(parseJsonObject(plainJson(changed)), expected);
  return isAsExpected ? { ok: true, text: changed } : { ok: false, why: "has an unusual form" };
}

/** The entry alone, as a file with nothing else. */
export function jsonBlock({ section, name, value }: SettingsEntry): string {
  return JSON.stringify({ [section]: { [name]: value } }, null, 2);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withEntry(text: string, { section, name, value }: SettingsEntry): string {
  const { root, inner } = lastMembers(plainJson(text), section);
  if (inner !== undefined) return withMember(text, inner, 2, name, value);
  return withMember(text, root, 1, section, { [name]: value });
}

/** The text with one more member at the end of an object. @param depth of the member */
function withMember(
  text: string,
  { close, lastEnd }: ObjectText,
  depth: number,
  key: string,
  value: unknown,
): string {
  const unit = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const indentation = unit.repeat(depth);
  const lines = JSON.stringify(value, null, unit).split("\n");
  const member = `${JSON.stringify(key)}: ${lines.join(`${lineEnd}${indentation}`)}`;
  // A comment behind the last member stays beside it.
  const end = text.slice(0, close).trimEnd().length;
  const needsComma = lastEnd !== undefined && !plainlyHasComma(text, lastEnd, end);
  const head = needsComma
    ? `${text.slice(0, lastEnd)},${text.slice(lastEnd, end)}`
    : text.slice(0, end);
  const closing = `${lineEnd}${unit.repeat(depth - 1)}${text.slice(close)}`;
  return `${head}${lineEnd}${indentation}${member}${closing}`;
}

/** Whether a comma follows the last member; what else follows are comments. */
function plainlyHasComma(text: string, from: number, to: number): boolean {
  return plainJson(`[0${text.slice(from, to)}0]`).includes(",");
}
