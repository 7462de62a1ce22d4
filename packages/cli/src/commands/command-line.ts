// Reads flags the way Go programs do, because the documentation of the official client is written
// that way: `--app URL`, `--app=URL`, `-app URL` and `-app=URL` all mean the same. One-letter flags
// do not cluster, and names are not abbreviated: a flag is spelled as its command lists it, or
// refused. (`util.parseArgs` reads `-app` as three flags.)
import { nearestWord } from "@postern/protocol/nearest-word";
import { CliError } from "../exit-status.ts";
import {
  type Flag,
  type FlagValues,
  findFlag,
  spellingsOf,
  splitFlag,
  type TypedFlag,
} from "../flag.ts";
import { notUtf8 } from "../raw-arguments.ts";
import { hasRawBytes } from "../raw-bytes.ts";
import type { Command } from "./command.ts";

/** The arguments of a command, sorted. */
export interface CommandLine extends FlagValues {
  /** every value of a flag, or its default */
  all(name: string): string[];
  has(name: string): boolean;
  /** arguments that are no flags */
  rest: string[];
}

/**
 * Sorts arguments into flags and the rest. `--` ends the flags.
 * @param options.toolFollows the first argument that is no flag ends them too: the rest is a tool's
 * @throws {CliError} usage, naming the argument that is wrong
 */
export function readCommandLine(
  args: readonly string[],
  flags: readonly Flag[],
  options: { toolFollows?: boolean } = {},
): CommandLine {
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  const queue = [...args];
  for (let argument = queue.shift(); argument !== undefined; argument = queue.shift()) {
    if (argument === "--") {
      rest.push(...queue);
      break;
    }
    const typed = splitFlag(argument);
    if (typed === undefined) {
      rest.push(argument);
      if (options.toolFollows !== true) continue;
      rest.push(...queue);
      break;
    }
    const flag = findFlag(flags, typed.spelling);
    if (flag === undefined) throw unknownFlag(typed, flags);
    const value = flag.value === undefined ? readSwitch(typed) : readValue(flag, typed, queue);
    if (value === undefined) continue;
    const earlierValues = values.get(flag.name) ?? [];
    values.set(flag.name, [...earlierValues, value]);
  }
  const ownTexts = [...values.values(), options.toolFollows === true ? [] : rest].flat();
  const rawText = ownTexts.find(hasRawBytes);
  if (rawText !== undefined) throw notUtf8(rawText);
  return commandLine(values, rest, flags);
}

function commandLine(
  values: ReadonlyMap<string, string[]>,
  rest: string[],
  flags: readonly Flag[],
): CommandLine {
  const defaultsOf = (name: string) =>
    flags.flatMap((flag) => (flag.name === name ? (flag.default ?? []) : []));
  const all = (name: string) => values.get(name) ?? defaultsOf(name);
  return {
    value: (name) => all(name).at(-1),
    all,
    has: (name) => values.has(name),
    rest,
  };
}

/** @param queue the arguments that follow; the value is taken from them where it stands apart */
function readValue(flag: Flag, typed: TypedFlag, queue: string[]): string {
  const value = typed.value ?? queue.shift();
  if (value === undefined) throw new CliError("usage", `--${flag.name} needs a value`);
  return value;
}

/** @returns undefined for a switch that is told to be off */
function readSwitch({ spelling, value }: TypedFlag): string | undefined {
  if (isOn(value)) return "true";
  if (value === "false" || value === "0") return undefined;
  throw new CliError(
    "usage",
    `--${spelling} is a switch: leave out "${value?.slice(0, 40)}", or write true or false`,
  );
}

/** Only its name is repeated: a value may be a secret. */
function unknownFlag({ spelling }: TypedFlag, flags: readonly Flag[]): CliError {
  const suggestion = suggestFlag(spelling, flags);
  const question = suggestion === undefined ? "" : ` do you mean --${suggestion}?`;
  return new CliError(
    "usage",
    `--${spelling.slice(0, 60)} is not a flag of this command;${question} --help lists them`,
  );
}

/** Flags that help does not show are not suggested either. */
function suggestFlag(spelling: string, flags: readonly Flag[]): string | undefined {
  const shown = flags.filter((flag) => flag.hidden !== true);
  const match = nearestWord(spelling, shown.flatMap(longSpellings));
  return match ?? nearestWord(spelling, ["help"]);
}

function longSpellings(flag: Flag): string[] {
  return spellingsOf(flag).filter((each) => each.length > 2);
}

/**
 * Whether the command is asked for its help. A wrapped tool has a `--help` of its own: only what
 * stands before the tool's arguments is ours. Among curl's that is the first one, and `-h` is
 * curl's even there.
 */
export function asksForHelp(command: Command, args: readonly string[]): boolean {
  const spellings = command.toolArguments === "mixed" ? ["help"] : ["help", "h"];
  return ownArguments(command, args).some((argument) => isSwitch(argument, spellings));
}

/** Whether errors are to be JSON, also where the command line is refused before it is read. */
export function asksForJson(command: Command, args: readonly string[]): boolean {
  const knowsJson = command.flags.some(({ name }) => name === "json");
  if (!knowsJson) return false;
  return ownArguments(command, args).some((argument) => isSwitch(argument, ["json"]));
}

function isSwitch(argument: string, spellings: readonly string[]): boolean {
  const typed = splitFlag(argument);
  return typed !== undefined && spellings.includes(typed.spelling) && isOn(typed.value);
}

function isOn(value: string | undefined): boolean {
  return value === undefined || value === "true" || value === "1";
}

/** The arguments that are surely ours, no tool's and no flag's value. */
function ownArguments(command: Command, args: readonly string[]): readonly string[] {
  const { toolArguments, flags } = command;
  if (toolArguments === "last") return withoutValues(flags, args.slice(0, endOfFlags(flags, args)));
  if (toolArguments === "mixed") return args.slice(0, 1);
  return withoutValues(flags, untilDashes(args));
}

/** The arguments but for those that are the value of the flag before them. */
function withoutValues(flags: readonly Flag[], args: readonly string[]): readonly string[] {
  const own: string[] = [];
  for (let index = 0; index < args.length; index += argumentsTaken(flags, args[index] ?? "")) {
    own.push(args[index] ?? "");
  }
  return own;
}

/** How many arguments one that may be a flag stands for: two where its value follows. */
function argumentsTaken(flags: readonly Flag[], argument: string): number {
  const typed = splitFlag(argument);
  if (typed === undefined) return 1;
  const flag = findFlag(flags, typed.spelling);
  const valueFollows = typed.value === undefined && flag?.value !== undefined;
  return valueFollows ? 2 : 1;
}

/** The arguments up to `--`. */
export function untilDashes(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

/** The index of the first argument that is no flag and no flag's value. */
export function endOfFlags(flags: readonly Flag[], args: readonly string[]): number {
  let index = 0;
  while (index < args.length && splitFlag(args[index] ?? "") !== undefined)
    index += argumentsTaken(flags, args[index] ?? "");
  return Math.min(index, args.length);
}

/**
 * The one URL that a command is about: its argument or `--app`.
 * @param command as in `access <command>`, for the message
 * @throws {CliError} usage
 */
export function onlyUrl(line: CommandLine, command: string): string {
  const app = line.value("app");
  const [first, second] = line.rest;
  if (app !== undefined && first === undefined) return app;
  if (app === undefined && first !== undefined && second === undefined) return first;
  const problem = first === undefined ? "needs the URL of the application" : "takes one URL";
  throw new CliError(
    "usage",
    `access ${command} ${problem}, for example: postern access ${command} https://api.example.com`,
  );
}
