// curl's configuration files (`-K`): read as curl does, and written for it.
import { type CurlPart, readArgument } from "./curl-arguments.ts";

/**
 * The options in a configuration file, as parts. Comments, `name = value`, `name: value`, quotes
 * and backslashes are read as curl does.
 */
export function readCurlConfig(text: string): CurlPart[] {
  return text.split(/\r?\n/).flatMap((line) => readLine(line.trim()));
}

function readLine(line: string): CurlPart[] {
  if (line === "" || line.startsWith("#")) return [];
  // Behind a name with dashes, `=` and `:` belong to the argument: `-xhttp://proxy`.
  const pattern = line.startsWith("-") ? /^(\S+)\s*(.*)$/s : /^([^\s=:]+)[\s=:]*(.*)$/s;
  const [, name = "", rest = ""] = pattern.exec(line) ?? [];
  const option = name.startsWith("-") ? name : `--${name}`;
  return readArgument(option, readValue(rest)).parts;
}

const escapes: Record<string, string> = {
  t: "\t",
  n: "\n",
  r: "\r",
  v: "\v",
};

function readValue(text: string): string | undefined {
  if (text === "") return undefined;
  if (!text.startsWith('"')) return text.split(/\s/, 1)[0];
  const quoted = /^"((?:[^"\\]|\\.)*)/s.exec(text)?.[1] ?? "";
  return quoted.replace(/\\(.)/gs, (_, character: string) => escapes[character] ?? character);
}

/** The text as a quoted value of a configuration file. */
export function quoteForCurlConfig(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return `"${escaped}"`;
}
