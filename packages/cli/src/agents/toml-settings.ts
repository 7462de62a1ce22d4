// Puts an entry into settings in TOML: a table of its own, at the end of the file. That is right
// wherever the section is made of tables; what is written in another way is left to its author.
import type { Insertion, SettingsEntry } from "./settings-entry.ts";

/** @param text of the file; empty where there is none */
export function insertIntoToml(text: string, entry: SettingsEntry): Insertion {
  const { section, name } = entry;
  const block = tomlBlock(entry);
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  if (`\n${text.replaceAll("\r\n", "\n")}\n`.includes(`\n${block}\n`))
    return { ok: true, text: undefined };
  if (isWrittenInline(text, section))
    return { ok: false, why: `writes "${section}" in one line, which nothing can be added to` };
  if (isNamed(text, section, name)) return { ok: false, why: `has another "${name}" already` };
  const before = text.trim() === "" ? "" : `${text.trimEnd()}${lineEnd}${lineEnd}`;
  return { ok: true, text: `${before}${block.replaceAll("\n", lineEnd)}${lineEnd}` };
}

/** The table alone. Names are bare keys; a string of JSON is a basic string of TOML. */
export function tomlBlock({ section, name, value }: SettingsEntry): string {
  const lines = Object.entries(value).map(([key, each]) => `${key} = ${tomlValue(each)}`);
  return [`[${section}.${name}]`, ...lines].join("\n");
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, each]) => `${key} = ${tomlValue(each)}`);
  return `{ ${pairs.join(", ")} }`;
}

/** A key as it may be written. */
function keyPattern(name: string): string {
  return `(?:${name}|"${name}"|'${name}')`;
}

/** `mcp_servers = {…}`, or `mcp_servers.name.command = …` before any table. */
function isWrittenInline(text: string, section: string): boolean {
  const [beforeTables = ""] = text.split(/^[ \t]*\[/m, 1);
  return new RegExp(`^[ \\t]*${keyPattern(section)}[ \\t]*[.=]`, "m").test(beforeTables);
}

/** A table of that name, one below it, or a key in the table of the section. */
function isNamed(text: string, section: string, name: string): boolean {
  const [table, key] = [keyPattern(section), keyPattern(name)];
  const header = new RegExp(`^[ \\t]*\\[+\\s*${table}\\s*\\.\\s*${key}\\s*[.\\]]`, "m");
  if (header.test(text)) return true;
  const inSection = new RegExp(`^[ \\t]*\\[\\s*${table}\\s*\\]([^[]*)`, "m").exec(text)?.[1] ?? "";
  return new RegExp(`^[ \\t]*${key}[ \\t]*[.=]`, "m").test(inSection);
}
