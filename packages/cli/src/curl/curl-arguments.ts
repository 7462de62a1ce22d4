// Reads a curl command line as curl does, only as far as it takes to know which URLs it will ask
// and what it will do with our credential: the rest passes through untouched and in its place.
import { CliError } from "../exit-status.ts";
import { type Flag, findFlag, splitFlag } from "../flag.ts";
import { longWithValue, shortWithValue, wholeOptionName } from "./curl-options.ts";

/** One argument, or one option with its value. */
export type CurlPart =
  | { kind: "url"; url: string; args: string[] }
  | { kind: "next"; args: string[] }
  /** text: what a file holds that can be read once (a pipe), for curl to read it as well */
  | { kind: "config"; file: string; text?: string; args: string[] }
  | { kind: "option"; name: string; value: string | undefined; args: string[] };

/**
 * Takes the command line apart.
 * @param ownFlags flags that are not curl's but ours; they may stand anywhere
 * @returns what is curl's in parts, and what is ours as arguments of the form `--name=value`
 * @throws {CliError} usage when one of our own flags lacks its value
 */
export function readCurlArguments(
  args: readonly string[],
  ownFlags: readonly Flag[],
): { parts: CurlPart[]; own: string[] } {
  const parts: CurlPart[] = [];
  const own: string[] = [];
  let index = 0;
  while (index < args.length) {
    const [argument = "", next] = args.slice(index, index + 2);
    if (argument === "--") {
      parts.push(...args.slice(index + 1).map(namedUrl));
      break;
    }
    const flag = readOwnFlag(argument, next, ownFlags);
    const reading = flag ?? readArgument(argument, next);
    parts.push(...reading.parts);
    own.push(...reading.own);
    index += reading.count;
  }
  return { parts, own };
}

/** What one argument is, and whether it needs the next one. */
export interface Reading {
  parts: CurlPart[];
  own: string[];
  /** how many arguments it is made of */
  count: 1 | 2;
}

function curlReading(parts: CurlPart[], count: 1 | 2 = 1): Reading {
  return { parts, own: [], count };
}

/** What follows `--` is named as a URL, so that options of ours can still be put behind it. */
function namedUrl(url: string): CurlPart {
  return { kind: "url", url, args: ["--url", url] };
}

/** @returns undefined where the argument is curl's */
function readOwnFlag(
  argument: string,
  next: string | undefined,
  ownFlags: readonly Flag[],
): Reading | undefined {
  const typed = splitFlag(argument);
  if (typed === undefined) return undefined;
  const flag = findFlag(ownFlags, typed.spelling);
  if (flag === undefined) return undefined;
  if (flag.value === undefined) {
    if (typed.value !== undefined) return undefined;
    return { parts: [], own: [`--${flag.name}`], count: 1 };
  }
  const value = typed.value ?? next;
  if (value === undefined) throw new CliError("usage", `--${flag.name} needs a value`);
  const count = typed.value === undefined ? 2 : 1;
  return { parts: [], own: [`--${flag.name}=${value}`], count };
}

/** What one argument of curl is, and whether it takes the next one as its value. */
export function readArgument(argument: string, next: string | undefined): Reading {
  if (argument === "-" || !argument.startsWith("-"))
    return curlReading([{ kind: "url", url: argument, args: [argument] }]);
  return argument.startsWith("--") ? readLong(argument, next) : readShort(argument, next);
}

function readLong(argument: string, next: string | undefined): Reading {
  // `--option=value` since curl 8.16; older ones refuse it themselves.
  const [, abbreviation = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
  const name = wholeOptionName(abbreviation);
  // `--expand-<option>` takes a value whatever the option takes.
  const takesValue = longWithValue.has(name) || name.startsWith("expand-");
  if (!takesValue) return curlReading([partOf(name, undefined, [argument])]);
  if (value !== undefined) return curlReading([partOf(name, value, [argument])]);
  return withNext(name, argument, next);
}

const shortNames: Record<string, string> = {
  ":": "next",
  4: "ipv4",
  6: "ipv6",
  E: "cert",
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
  U: "proxy-user",
  x: "proxy",
};

/** A cluster such as `-sSLo file`: the letters after one that takes a value are that value. */
function readShort(argument: string, next: string | undefined): Reading {
  const letters = [...argument.slice(1)];
  const last = letters.findIndex((letter) => shortWithValue.has(letter));
  const switches = letters.slice(0, last < 0 ? letters.length : last);
  const parts = switches.map(switchOf);
  const letter = last < 0 ? undefined : letters[last];
  if (letter === undefined) return curlReading(parts);
  const value = letters.slice(last + 1).join("");
  if (value !== "") {
    const option = partOf(nameOf(letter), value, [`-${letter}${value}`]);
    return curlReading([...parts, option]);
  }
  const option = withNext(nameOf(letter), `-${letter}`, next);
  return curlReading([...parts, ...option.parts], option.count);
}

function switchOf(letter: string): CurlPart {
  return partOf(nameOf(letter), undefined, [`-${letter}`]);
}

function nameOf(letter: string): string {
  return shortNames[letter] ?? letter;
}

/** An option whose value is the next argument. */
function withNext(name: string, argument: string, next: string | undefined): Reading {
  if (next === undefined) return curlReading([partOf(name, undefined, [argument])]);
  return curlReading([partOf(name, next, [argument, next])], 2);
}

function partOf(name: string, value: string | undefined, args: string[]): CurlPart {
  if (name === "next") return { kind: "next", args };
  if (name === "url" && value !== undefined && !value.startsWith("@"))
    return { kind: "url", url: value, args };
  if (name === "config" && value !== undefined) return { kind: "config", file: value, args };
  return { kind: "option", name, value, args };
}
