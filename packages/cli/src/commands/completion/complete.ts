// What can follow on a command line that somebody is typing: commands, flags, their values. Pure:
// what is stored on the machine comes in. The shells' scripts ask for it at each press of Tab, so
// they never know less than the program.
import { type Flag, findFlag, splitFlag } from "../../flag.ts";
import type { Command, CommandGroup } from "../command.ts";
import { endOfFlags } from "../command-line.ts";

export interface Candidate {
  text: string;
  description?: string;
}

/** What the shell offers beside the candidates, by itself. */
export type Otherwise =
  | { kind: "nothing" }
  | { kind: "files" }
  | { kind: "folders" }
  /** @property at the index of the tool's own name among the words */
  | { kind: "tool"; at: number };

export interface Completion {
  candidates: Candidate[];
  otherwise: Otherwise;
}

/** What this machine has stored, asked for only where it matters. */
export interface Stored {
  profiles(): readonly string[];
  /** `https://api.example.com` */
  applications(): readonly string[];
}

const nothing: Otherwise = { kind: "nothing" };
const files: Otherwise = { kind: "files" };

/**
 * @param words what follows the program's name, up to the cursor; the last one is being typed and
 * may be empty
 */
export function complete(
  table: CommandGroup,
  words: readonly string[],
  stored: Stored,
): Completion {
  const [first = "", ...rest] = words;
  const group = table.groups.find(({ name }) => name === first);
  const [from, typed] = group === undefined ? [table, words] : [group, rest];
  const skipped = words.length - typed.length;
  const [name = "", ...args] = typed;
  if (typed.length === 1) return only(matching(name, entriesOf(from)));
  // Behind a word that is neither group nor command.
  const command = from.commands.find((each) => each.name === name);
  if (command === undefined) return only([]);
  const site: Site = { command, isAccess: from.name === "access", args, stored };
  return completeArguments(site, skipped + 1);
}

/** Where somebody is typing. */
interface Site {
  command: Command;
  isAccess: boolean;
  /** what follows the command's name; the last one is being typed */
  args: readonly string[];
  stored: Stored;
}

function only(candidates: Candidate[], otherwise = nothing): Completion {
  return { candidates, otherwise };
}

/** Those that go on what is typed. */
function matching(typed: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ text }) => text.startsWith(typed));
}

function entriesOf({ groups, commands, others }: CommandGroup): Candidate[] {
  const entries = [...groups, ...commands];
  return [
    ...entries.map(({ name, summary }) => ({ text: name, description: summary })),
    ...others.map(([text, description]) => ({ text, description })),
  ];
}

/** @param skipped how many words stand before the arguments */
function completeArguments(site: Site, skipped: number): Completion {
  const { command, args } = site;
  const before = args.slice(0, -1);
  const typed = args.at(-1) ?? "";
  const toolIndex = indexOfTool(command, before, typed);
  const isTools = toolIndex !== undefined && command.toolArguments === "last";
  // 1. The value of a flag: a word of its own, or what follows `=`.
  const waiting = isTools ? undefined : flagThatWaits(command, before);
  if (waiting !== undefined) return completeValue(site, waiting, "", typed);
  const [lead = ""] = /^--?[^=]+=/.exec(typed) ?? [];
  const flag = isTools ? undefined : findFlag(command.flags, splitFlag(lead)?.spelling ?? "");
  if (flag?.value !== undefined) return completeValue(site, flag, lead, typed.slice(lead.length));
  // 2. The name of a flag, a word of the tool, or what the command is about.
  const flags = typed.startsWith("-") && !isTools ? matching(typed, shownFlags(command)) : [];
  if (toolIndex !== undefined) return only(flags, { kind: "tool", at: skipped + toolIndex });
  return typed.startsWith("-") ? only(flags) : completeOperand(site, before, typed);
}

/** The flag before the cursor whose value is missing. */
function flagThatWaits(
  { flags }: Pick<Command, "flags">,
  before: readonly string[],
): Flag | undefined {
  const last = splitFlag(before.at(-1) ?? "");
  if (last === undefined || last.value !== undefined || before.includes("--")) return undefined;
  const flag = findFlag(flags, last.spelling);
  return flag?.value === undefined ? undefined : flag;
}

/**
 * Where the name of a wrapped tool stands, relative to the arguments; undefined where there is no
 * tool, or none yet. curl's name is that of its command.
 */
function indexOfTool(
  { flags, toolArguments }: Command,
  before: readonly string[],
  typed: string,
): number | undefined {
  if (toolArguments === undefined) return undefined;
  if (toolArguments === "mixed") return -1;
  const end = endOfFlags(flags, before);
  if (before[end] === "--") return end + 1;
  const isTyped = end === before.length && !typed.startsWith("-");
  const followsFlag = flagThatWaits({ flags }, before) !== undefined;
  return end < before.length || (isTyped && !followsFlag) ? end : undefined;
}

function shownFlags({ flags }: Command): Candidate[] {
  const shown = flags.filter(({ hidden }) => hidden !== true);
  return shown.map(({ name, description }) => ({ text: `--${name}`, description }));
}

/** @param lead what stands before the value in the same word */
function completeValue(site: Site, flag: Flag, lead: string, typed: string): Completion {
  const { candidates, otherwise } = valuesOf(site, flag);
  const values = matching(typed, candidates).map(({ text }) => ({ text: lead + text }));
  // Shells complete files from the beginning of a word.
  return only(values, lead === "" ? otherwise : nothing);
}

function valuesOf({ isAccess, stored }: Site, { name, value, choices }: Flag): Completion {
  if (choices !== undefined) return only(textsOf(choices));
  if (name === "profile") return only(textsOf(stored.profiles()));
  if (isAccess && value === "URL") return only(textsOf(stored.applications()));
  if (isAccess && value === "HOST") return only(hostsOf(stored));
  if (value === "DIR") return only([], { kind: "folders" });
  return only([], value === "FILE" ? files : nothing);
}

function completeOperand(site: Site, before: readonly string[], typed: string): Completion {
  const { command, isAccess, stored } = site;
  const { choices, flags, usage } = command;
  // There is one operand, and it is there already.
  if (endOfFlags(flags, before) < before.length) return only([]);
  if (choices !== undefined) return only(matching(typed, textsOf(choices)));
  const takes = (word: string) => isAccess && usage.some((way) => way.split(/\W+/).includes(word));
  if (takes("HOST")) return only(matching(typed, hostsOf(stored)));
  return only(takes("URL") ? matching(typed, textsOf(stored.applications())) : []);
}

function hostsOf(stored: Stored): Candidate[] {
  return textsOf(stored.applications().map((origin) => origin.replace(/^[a-z]+:\/\//, "")));
}

function textsOf(texts: readonly string[]): Candidate[] {
  return texts.map((text) => ({ text }));
}
