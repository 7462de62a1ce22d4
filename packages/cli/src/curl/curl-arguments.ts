// Reads a curl command line as curl does, only as far as it takes to know which URLs it will ask
// and what it will do with our credential: the rest passes through untouched and in its place.

import { CliError } from "../exit-status.ts";
import { longWithValue, shortWithValue, wholeOptionName } from "./curl-options.ts";

/** One argument, or one option with its value. */
export type CurlPart =
  | { kind: "url"; url: string; args: string[] }
  | { kind: "next"; args: string[] }
  | { kind: "config"; file: string; args: string[] }
  | { kind: "option"; name: string; value: string | undefined; args: string[] };

export interface OwnFlags {
  allowRequest: boolean;
  tokenIn: string | undefined;
  /** arguments for our own flag reader */
  args: string[];
}

// curl knows none of these names, so they can stand anywhere among its options.
const ownSwitches = new Set(["no-login", "no-browser", "qr", "no-qr", "auto-close", "debug"]);
const ownValues = new Set([
  "profile",
  "ca-file",
  "timeout",
  "token-in",
  "service-token-id",
  "service-token-secret",
  "service-token-secret-file",
]);

/**
 * Takes the command line apart.
 * @throws {CliError} usage when one of our own flags lacks its value
 */
export function readCurlArguments(args: readonly string[]): { parts: CurlPart[]; own: OwnFlags } {
  const parts: CurlPart[] = [];
  const own: OwnFlags = { allowRequest: false, tokenIn: undefined, args: [] };
  let onlyUrls = false;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (onlyUrls || argument === "-" || !argument.startsWith("-")) {
      // What follows `--` is named as a URL, so that options of ours can still be put behind it.
      parts.push({ kind: "url", url: argument, args: onlyUrls ? ["--url", argument] : [argument] });
      continue;
    }
    if (argument === "--") {
      onlyUrls = true;
      continue;
    }
    const taken = takeOwn(argument, args[index + 1], own);
    if (taken > 0) {
      index += taken - 1;
      continue;
    }
    const found = argument.startsWith("--")
      ? readLong(argument, args[index + 1])
      : readShort(argument, args[index + 1]);
    parts.push(...found.parts);
    if (found.tookNext) index += 1;
  }
  return { parts, own };
}

/** @returns how many arguments were ours */
function takeOwn(argument: string, next: string | undefined, own: OwnFlags): number {
  if (/^(?:-ar|--ar|--?allow-request)$/.test(argument)) {
    own.allowRequest = true;
    return 1;
  }
  const [, name = "", value] = /^--?([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? [];
  if (ownSwitches.has(name) && value === undefined) {
    own.args.push(argument);
    return 1;
  }
  if (!ownValues.has(name)) return 0;
  const given = value ?? next;
  if (given === undefined) throw new CliError("usage", `--${name} needs a value`);
  if (name === "token-in") own.tokenIn = given;
  else own.args.push(`--${name}=${given}`);
  return value === undefined ? 2 : 1;
}

interface Read {
  parts: CurlPart[];
  tookNext: boolean;
}

function readLong(argument: string, next: string | undefined): Read {
  const written = argument.slice(2);
  // `--option=value` since curl 8.16; older ones refuse it themselves.
  const equals = written.indexOf("=");
  const name = wholeOptionName(equals < 0 ? written : written.slice(0, equals));
  // `--expand-<option>` takes a value whatever the option takes.
  const takesValue = longWithValue.has(name) || name.startsWith("expand-");
  if (!takesValue) return { parts: [part(name, undefined, [argument])], tookNext: false };
  if (equals >= 0)
    return { parts: [part(name, written.slice(equals + 1), [argument])], tookNext: false };
  return {
    parts: [part(name, next, next === undefined ? [argument] : [argument, next])],
    tookNext: next !== undefined,
  };
}

const shortNames: Record<string, string> = {
  ":": "next",
  K: "config",
  L: "location",
  b: "cookie",
  c: "cookie-jar",
  j: "junk-session-cookies",
  g: "globoff",
  k: "insecure",
  h: "help",
  V: "version",
  M: "manual",
};

/** A cluster such as `-sSLo file`: the letters after one that takes a value are that value. */
function readShort(argument: string, next: string | undefined): Read {
  const letters = [...argument.slice(1)];
  const parts: CurlPart[] = [];
  for (const [index, letter] of letters.entries()) {
    const name = shortNames[letter] ?? letter;
    if (!shortWithValue.has(letter)) {
      parts.push(part(name, undefined, [`-${letter}`]));
      continue;
    }
    const rest = letters.slice(index + 1).join("");
    if (rest !== "")
      return { parts: [...parts, part(name, rest, [`-${letter}${rest}`])], tookNext: false };
    const args = next === undefined ? [`-${letter}`] : [`-${letter}`, next];
    return { parts: [...parts, part(name, next, args)], tookNext: next !== undefined };
  }
  return { parts, tookNext: false };
}

function part(name: string, value: string | undefined, args: string[]): CurlPart {
  if (name === "next") return { kind: "next", args };
  if (name === "url" && value !== undefined && !value.startsWith("@"))
    return { kind: "url", url: value, args };
  if (name === "config" && value !== undefined) return { kind: "config", file: value, args };
  return { kind: "option", name, value, args };
}

/**
 * The options in a curl configuration file (`-K`), as parts. Comments, `name = value`, `name:
 * value`, quotes and backslashes are read as curl does.
 */
export function readCurlConfig(text: string): CurlPart[] {
  const args = text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const [, written = "", rest = ""] = /^([^\s=:]+|-:)[\s=:]*(.*)$/s.exec(trimmed) ?? [];
    const option = written.startsWith("-") ? written : `--${written}`;
    const value = readConfigValue(rest);
    return value === undefined ? [option] : [option, value];
  });
  return readCurlArguments(args).parts;
}

const escapes: Record<string, string> = { t: "\t", n: "\n", r: "\r", v: "\v" };

function readConfigValue(text: string): string | undefined {
  if (text === "") return undefined;
  if (!text.startsWith('"')) return text.split(/\s/, 1)[0];
  const quoted = /^"((?:[^"\\]|\\.)*)/s.exec(text)?.[1] ?? "";
  return quoted.replace(/\\(.)/gs, (_, character: string) => escapes[character] ?? character);
}

/** The text as a quoted value of a curl configuration file. */
export function quoteForCurlConfig(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
}
