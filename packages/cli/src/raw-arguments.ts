// The arguments of this process with the bytes that Node does not keep: it decodes them as UTF-8
// and puts U+FFFD in the place of every byte that is none.
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { CliError } from "./exit-status.ts";
import { decodeBytes, hasRawBytes, showRawBytes, unknownByte } from "./raw-bytes.ts";

/**
 * The arguments as they were given.
 * @param argv as Node decoded them, without the program itself
 * @returns bytes that are not UTF-8 as raw-bytes.ts writes them; `unknownByte` where the system
 * does not tell them
 */
export function readArguments(argv: readonly string[]): string[] {
  if (!argv.some((argument) => argument.includes("\ufffd"))) return [...argv];
  const bytes = rawArguments(argv.length);
  return argv.map((argument, index) => readArgument(argument, bytes[index]));
}

/** @param bytes undefined where the system does not tell them */
function readArgument(argument: string, bytes: Buffer | undefined): string {
  if (bytes?.toString("utf8") === argument) return decodeBytes(bytes);
  return argument.replaceAll("\ufffd", unknownByte);
}

/** The last arguments of this process, before anything changed its title (proc(5)). */
function rawArguments(count: number): Buffer[] {
  const all = splitAtNul(readBytes("/proc/self/cmdline"));
  return all.slice(-count);
}

/**
 * The variables as they were given, in the same way.
 * @returns names and values with bytes that are not UTF-8 as raw-bytes.ts writes them;
 * `unknownByte` where the system does not tell them, or where the value is not what this process
 * started with
 */
export function withRawVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const bytes = readBytes("/proc/self/environ");
  // Most environments are UTF-8 throughout, and nothing of them was lost.
  const isKept = Object.values(environment).every((value) => !value?.includes("\ufffd"));
  if (isKept && isUtf8(bytes)) return environment;

  const lines = splitAtNul(bytes);
  const byDecodedLine = new Map(lines.map((line) => [line.toString("utf8"), line]));
  const entries = Object.entries(environment).map(([name, value]): Variable => {
    const line = byDecodedLine.get(`${name}=${value}`);
    return line === undefined ? withUnknownBytes(name, value) : readVariable(line);
  });
  return Object.fromEntries([...entries, ...lostVariables(lines)]);
}

type Variable = [name: string, value: string | undefined];

/** Node leaves out variables whose names are not UTF-8. */
function lostVariables(lines: Buffer[]): Variable[] {
  const suspects = lines.filter((line) => line.toString("utf8").includes("\ufffd"));
  return suspects.map(readVariable).filter(([name]) => hasRawBytes(name));
}

function readVariable(line: Buffer): Variable {
  const text = decodeBytes(line);
  const end = text.indexOf("=", 1);
  return [text.slice(0, end), text.slice(end + 1)];
}

function withUnknownBytes(name: string, value: string | undefined): Variable {
  return [name, value?.replaceAll("\ufffd", unknownByte)];
}

/** What is in the file; nothing where the system has no such files. */
function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

/** What a command fails with that cannot keep an argument as it came. */
export function notUtf8(argument: string): CliError {
  return new CliError(
    "usage",
    `the argument ${showRawBytes(argument).slice(0, 100)} is not UTF-8, and its bytes would change on the way; write it in UTF-8, or pass it in a file`,
  );
}

/** The same for a variable of the environment. */
export function variableNotUtf8(name: string): CliError {
  return new CliError(
    "usage",
    `the variable ${showRawBytes(name).slice(0, 100)} is not UTF-8, and its bytes would not reach the tool; unset it, or write it in UTF-8`,
  );
}
