// The help of a command or of a group, made from its value and wrapped to the terminal's width.
import type { Flag } from "../flag.ts";
import type { Command, CommandGroup } from "./command.ts";

const narrowest = 72;
const widest = 100;
const widthWithoutTerminal = 80;

/**
 * The width of help: readable lines on a wide terminal, and one that programs can rely on where
 * there is none.
 * @param columns of the terminal; undefined where standard output is none
 */
export function helpWidth(columns: number | undefined): number {
  if (columns === undefined) return widthWithoutTerminal;
  return Math.min(Math.max(columns, narrowest), widest);
}

/**
 * What `--help` prints for a command.
 * @param path the words that call it: `access token`
 */
export function helpOfCommand(path: string, command: Command, width: number): string {
  const flags = command.flags.filter((flag) => flag.hidden !== true);
  const rows = flags.map((flag): Row => [labelOf(flag), descriptionOf(flag)]);
  return paragraphs([
    usageLines(path, command.usage, width),
    wrap(command.description, width),
    twoColumns(rows, width),
    exampleLines(command.example, width),
  ]);
}

/** What `--help` prints for a group, and for the whole program. */
export function helpOfGroup(group: CommandGroup, width: number): string {
  const groups = group.groups.map(({ name, summary }): Row => [name, summary]);
  const commands = group.commands.map((command): Row => [typedName(command), command.summary]);
  return paragraphs([
    usageLines(group.name, ["COMMAND"], width),
    twoColumns([...groups, ...commands, ...group.others], width),
    ...group.notes.map((note) => wrap(note, width)),
    [...exampleLines(group.example, width), "Use --help with a command for its flags."],
  ]);
}

/** @param blocks lines each; an empty block is left out */
function paragraphs(blocks: string[][]): string {
  const texts = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}

function typedName({ name, operand }: Command): string {
  return operand === undefined ? name : `${name} ${operand}`;
}

/** Never wrapped, so that it can be copied; a long one has a line of its own. */
function exampleLines(example: string, width: number): string[] {
  const line = `Example: ${example}`;
  return line.length <= width ? [line] : ["Example:", `  ${example}`];
}

function usageLines(path: string, ways: readonly string[], width: number): string[] {
  const lead = "Usage: ";
  const words = path === "" ? "postern" : `postern ${path}`;
  const hanging = " ".repeat(lead.length);
  return ways.flatMap((way, index) => {
    const start = index === 0 ? lead : hanging;
    return wrap(`${start}${words} ${way}`, width, `${hanging}    `);
  });
}

function labelOf(flag: Flag): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return `${short}--${flag.name}${value}`;
}

function descriptionOf(flag: Flag): string {
  const notes: string[] = [];
  if (flag.default !== undefined) notes.push(`default: ${flag.default}`);
  if (flag.repeatable === true) notes.push("may be repeated");
  return notes.length === 0 ? flag.description : `${flag.description} (${notes.join("; ")})`;
}

type Row = readonly [label: string, description: string];

const margin = "  ";
const widestLabel = 24;

/** Two columns; a label that is wider than its column has a line of its own. */
function twoColumns(rows: readonly Row[], width: number): string[] {
  const lengths = rows.map(([label]) => label.length);
  const fitting = lengths.filter((length) => length <= widestLabel);
  const column = Math.max(0, ...fitting) + margin.length;
  const hanging = " ".repeat(margin.length + column);
  return rows.flatMap(([label, description]) => {
    if (label.length > widestLabel)
      return [`${margin}${label}`, ...wrap(`${hanging}${description}`, width, hanging)];
    return wrap(`${margin}${label.padEnd(column)}${description}`, width, hanging);
  });
}

// Stands for a space at which a line must not end.
const fixedSpace = "\u00a0";

/**
 * The text in lines of at most `width` characters, but for a single word that is longer. What is in
 * brackets stays together, and so does the indentation.
 * @param hanging what every line but the first begins with
 */
function wrap(text: string, width: number, hanging = ""): string[] {
  const [indentation = ""] = /^ */.exec(text) ?? [];
  const whole = text
    .slice(indentation.length)
    .replace(/ {2,}|\[.*?\](?= |$)/g, (piece) => piece.replaceAll(" ", fixedSpace));
  const lines: string[] = [];
  let line = indentation;
  for (const word of whole.split(" ")) {
    const isFirst = line.trimStart() === "";
    const longer = isFirst ? line + word : `${line} ${word}`;
    if (isFirst || longer.length <= width) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = hanging + word;
  }
  return [...lines, line].map((each) => each.replaceAll(fixedSpace, " "));
}
