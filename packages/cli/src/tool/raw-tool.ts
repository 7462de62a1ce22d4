// Hands a tool arguments and variables that are not UTF-8. Node encodes all of them as UTF-8, so a
// shell makes such bytes and becomes the tool: its signals, streams and status stay the tool's.
import { accessSync, constants } from "node:fs";
import { CliError } from "../exit-status.ts";
import { notUtf8, variableNotUtf8, withRawVariables } from "../raw-arguments.ts";
import { bytesOf, hasRawBytes, unknownByte } from "../raw-bytes.ts";
import type { Tool } from "./tool.ts";

const shell = "/bin/sh";
// Linux refuses a longer single argument, and the script is one.
const longestScript = 120_000;

/**
 * What to start: the tool itself, or a shell that becomes it.
 * @param path of the tool
 * @throws {CliError} usage, naming the argument or variable whose bytes cannot be handed over
 */
export function withRawArguments(path: string, tool: Tool): { path: string; tool: Tool } {
  const entries = Object.entries(withRawVariables(tool.environment));
  refuseLostBytes(entries);
  const variables = entries.filter(isRawVariable);
  const rawText = tool.args.find(hasRawBytes) ?? variables[0]?.[1];
  if (rawText === undefined) return { path, tool };
  refuseLostNames(entries);
  const script = scriptFor(tool.args, variables);
  const isPossible = hasShell() && !tool.args.some((argument) => argument.includes(unknownByte));
  if (!isPossible || script.length > longestScript) throw notUtf8(rawText);
  // Those that the script makes are left out here; each keeps its number.
  const args = tool.args.map((argument) => (hasRawBytes(argument) ? "" : argument));
  return { path: shell, tool: { ...tool, command: "sh", args: ["-c", script, path, ...args] } };
}

type Variable = [name: string, value: string];
type Entry = [name: string, value: string | undefined];

function isRawVariable(entry: Entry): entry is Variable {
  const [, value = ""] = entry;
  return hasRawBytes(value);
}

/** A shell knows no other names; dash drops such variables. */
function isShellName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** @throws {CliError} usage, naming a variable that is not UTF-8 and that no shell can make */
function refuseLostBytes(entries: Entry[]): void {
  for (const [name, value = ""] of entries) {
    const isLost = value.includes(unknownByte) || (hasRawBytes(value) && !isShellName(name));
    if (isLost || hasRawBytes(name)) throw variableNotUtf8(name);
  }
}

/** @throws {CliError} usage, naming a variable that the shell would not hand on */
function refuseLostNames(entries: Entry[]): void {
  const [name] = entries.find(([name, value]) => value !== undefined && !isShellName(name)) ?? [];
  if (name === undefined) return;
  throw new CliError(
    "usage",
    `the variable ${name.slice(0, 100)} cannot reach the tool together with bytes that are not UTF-8, because a shell does not allow its name; unset it with: env -u '${name.slice(0, 100)}'`,
  );
}

function hasShell(): boolean {
  try {
    accessSync(shell, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `v2=$(…); exec "$0" "$1" "${v2%x}" "$3"`: `$(…)` cuts line ends off, so an `x` follows them. */
function scriptFor(args: readonly string[], variables: readonly Variable[]): string {
  const words: string[] = [];
  const settings = variables.map(
    ([name, value]) =>
      `${name}=$(printf %b '${escapesOf(value)}x'); export ${name}="\${${name}%x}"`,
  );
  for (const [index, argument] of args.entries()) {
    const number = index + 1;
    if (!hasRawBytes(argument)) {
      words.push(`"\${${number}}"`);
      continue;
    }
    settings.push(`v${number}=$(printf %b '${escapesOf(argument)}x')`);
    words.push(`"\${v${number}%x}"`);
  }
  return [...settings, `exec "$0" ${words.join(" ")}`].join("\n");
}

/** What `printf %b` writes as these bytes (POSIX, printf): only what has no other meaning stays. */
function escapesOf(argument: string): string {
  const escapes = [...bytesOf(argument)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9 _.,:=/&?-]/.test(character) ? character : `\\0${octal(byte)}`;
  });
  return escapes.join("");
}

function octal(byte: number): string {
  return byte.toString(8).padStart(3, "0");
}
