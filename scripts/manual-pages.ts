// The manual pages, one for each command and each group, made from the table of commands as their
// help is. In the macros of man(7), which every formatter knows.
import type { Command, CommandGroup } from "../packages/cli/src/commands/command.ts";
import { scripts } from "../packages/cli/src/commands/completion/scripts.ts";
import { mainGroup, pathOf } from "../packages/cli/src/commands/index.ts";
import type { Flag } from "../packages/cli/src/flag.ts";
import { version } from "../packages/cli/src/version.ts";

/** A file that is installed beside the program. */
export interface DataFile {
  /** its name, which also says where it belongs: `postern-access.1` */
  name: string;
  text: string;
}

/** Every manual page. */
export function manualPages(): DataFile[] {
  return pagesOf(mainGroup);
}

/** The script of each shell, under the name by which the shell finds it. */
export function completionFiles(): DataFile[] {
  const { bash = "", zsh = "", fish = "" } = scripts;
  return [
    { name: "postern.bash", text: bash },
    { name: "_postern", text: zsh },
    { name: "postern.fish", text: fish },
  ];
}

function pagesOf(group: CommandGroup): DataFile[] {
  const commands = group.commands.map((command) => ({
    name: fileOf(pathOf(group, command.name)),
    text: pageOfCommand(group, command),
  }));
  const page = { name: fileOf(group.name), text: pageOfGroup(group) };
  return [page, ...commands, ...group.groups.flatMap(pagesOf)];
}

/** @param path the words that call it: `access token` */
function titleOf(path: string): string {
  return ["postern", ...path.split(" ")].filter((word) => word !== "").join("-");
}

function fileOf(path: string): string {
  return `${titleOf(path)}.1`;
}

function callOf(path: string): string {
  return `postern ${path}`.trim();
}

const programSummary = "reach what stands behind an identity-aware gateway, or run one";

function pageOfGroup(group: CommandGroup): string {
  const groups = group.groups.map(({ name, summary }) => item(bold(name), summary));
  const commands = group.commands.map(({ name, summary }) => item(bold(name), summary));
  const others = group.others.map(([typed, summary]) => item(bold(typed), summary));
  const pages = [...group.groups, ...group.commands].map(({ name }) => pathOf(group, name));
  return page(group.name, group.summary || programSummary, [
    section("SYNOPSIS", synopsis(callOf(group.name), ["COMMAND"])),
    section("COMMANDS", [...groups, ...commands, ...others].flat()),
    ...group.notes.map((note) => section(...noteSection(note))),
    section("EXAMPLE", example(group.example)),
    section("SEE ALSO", seeAlso([...parentsOf(group.name), ...pages])),
  ]);
}

/** A note that begins with what it is about has a section of that name. */
function noteSection(note: string): [string, string[]] {
  const [, title, rest = ""] = /^([A-Z][a-z]+ [a-z]+): (.*)$/s.exec(note) ?? [];
  return title === undefined ? ["NOTES", paragraph(note)] : [title.toUpperCase(), paragraph(rest)];
}

function pageOfCommand(group: CommandGroup, command: Command): string {
  const path = pathOf(group, command.name);
  const flags = command.flags.filter(({ hidden }) => hidden !== true);
  return page(path, command.summary, [
    section("SYNOPSIS", synopsis(callOf(path), command.usage)),
    section("DESCRIPTION", paragraph(command.description)),
    section("OPTIONS", flags.flatMap(optionOf)),
    ...group.notes.map((note) => section(...noteSection(note))),
    section("EXAMPLE", example(command.example)),
    section("SEE ALSO", seeAlso(parentsOf(path))),
  ]);
}

/** The pages above: `access token` → postern(1), postern-access(1). */
function parentsOf(path: string): string[] {
  if (path === "") return [];
  const words = path.split(" ");
  return words.map((_, index) => words.slice(0, index).join(" "));
}

function page(path: string, summary: string, sections: string[][]): string {
  const title = titleOf(path);
  const head = [
    `.TH ${quoted(title.toUpperCase())} 1 "" ${quoted(`postern ${version}`)} "Postern"`,
    ".SH NAME",
    `${literal(title)} \\-`,
    ...paragraph(summary),
  ];
  return `${[head, ...sections].flat().join("\n")}\n`;
}

/** Nothing at all where there is nothing to say. */
function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${quoted(title)}`, ...lines];
}

function synopsis(call: string, ways: readonly string[]): string[] {
  return ways.flatMap((way, index) => {
    const line = `${bold(call)} ${literal(way)}`;
    return index === 0 ? [line] : [".br", line];
  });
}

function optionOf(flag: Flag): string[] {
  const spellings = [...(flag.short === undefined ? [] : [`-${flag.short}`]), `--${flag.name}`];
  const value = flag.value === undefined ? "" : ` \\fI${literal(flag.value)}\\fR`;
  return item(`${spellings.map(bold).join(", ")}${value}`, descriptionOf(flag));
}

function descriptionOf({ description, default: standard, repeatable }: Flag): string {
  const notes: string[] = [];
  if (standard !== undefined) notes.push(`default: ${standard}`);
  if (repeatable === true) notes.push("may be repeated");
  return notes.length === 0 ? description : `${description} (${notes.join("; ")})`;
}

/** @param term formatted already */
function item(term: string, text: string): string[] {
  return [".TP", term, ...paragraph(text)];
}

function example(line: string): string[] {
  return [".nf", literal(line), ".fi"];
}

function seeAlso(paths: readonly string[]): string[] {
  const pages = paths.map((path) => `${bold(titleOf(path))}(1)`);
  return pages.length === 0 ? [] : [pages.join(",\n")];
}

function bold(text: string): string {
  return `\\fB${literal(text)}\\fR`;
}

function quoted(text: string): string {
  return `"${roff(text)}"`;
}

/** Text to be typed or copied: its dashes stay dashes. */
function literal(text: string): string {
  return roff(text).replaceAll("-", "\\-");
}

const widestLine = 72;

/** Prose in short lines. */
function paragraph(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    const fits = line !== undefined && line.length + word.length < widestLine;
    if (fits) lines.splice(-1, 1, `${line} ${word}`);
    else lines.push(word);
  }
  return lines.map(roff);
}

/** One line in which roff finds nothing of its own. */
function roff(text: string): string {
  const escaped = text.replace(/[\\"~^`]/g, (character) => escapes[character] ?? character);
  return escaped.replace(/^(?=[.'])/, "\\&");
}

const escapes: Record<string, string> = {
  "\\": "\\e",
  '"': "\\(dq",
  "~": "\\(ti",
  "^": "\\(ha",
  "`": "\\(ga",
};
