// The text of a terminal session: scenes of prose, directives, and commands with what they print.
// Reading a text and writing it back gives the same text, so that what a run printed can be written
// in place of what was expected. README.md describes the form.

/** One scene: a test of its own, at a machine of its own. */
export interface Scene {
  /** a sentence about the person at the terminal */
  title: string;
  steps: Step[];
}

export type Step =
  /** words for the reader, and empty lines */
  | { kind: "prose"; text: string }
  /** what is the case before the next command */
  | { kind: "directive"; text: string }
  | { kind: "command"; lines: string[]; expected: string[] };

/** A whole file. */
export interface SessionText {
  /** the lines before the first scene */
  preface: string[];
  scenes: Scene[];
}

/** What a command did. */
export interface Outcome {
  stdout: string;
  stderr: string;
  status: number;
}

const indentation = "  ";
const titleMark = "## ";
const directiveMark = "@ ";
const commandMark = "$ ";
const continuationMark = "> ";
const errorMark = "! ";
const noNewline = "(no newline)";
/** Stands for any number of lines. */
const anyLines = "...";

/** Takes a file apart. Whatever is indented and no command of its own belongs to the one before. */
export function readSessionText(text: string): SessionText {
  const preface: string[] = [];
  const scenes: Scene[] = [];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const scene = scenes.at(-1);
    if (line.startsWith(titleMark)) scenes.push({ title: line.slice(titleMark.length), steps: [] });
    else if (scene === undefined) preface.push(line);
    else addLine(scene, line);
  }
  return { preface, scenes };
}

function addLine({ steps }: Scene, line: string): void {
  const body = line.slice(indentation.length);
  const isOutput = line.startsWith(indentation) && !/^[$@] /.test(body);
  const blanks = isOutput ? takeBlankLines(steps) : [];
  const last = steps.at(-1);
  if (!line.startsWith(indentation)) steps.push({ kind: "prose", text: line });
  else if (body.startsWith(directiveMark))
    steps.push({ kind: "directive", text: body.slice(directiveMark.length) });
  else if (body.startsWith(commandMark))
    steps.push({ kind: "command", lines: [body.slice(commandMark.length)], expected: [] });
  else if (last?.kind !== "command") throw new Error(`output without a command: ${line}`);
  else if (body.startsWith(continuationMark) && last.expected.length === 0)
    last.lines.push(body.slice(continuationMark.length));
  else last.expected.push(...blanks, body);
}

/** Empty lines are the output's where more of it follows. */
function takeBlankLines(steps: Step[]): string[] {
  const blanks: string[] = [];
  for (let last = steps.at(-1); last?.kind === "prose" && last.text === ""; last = steps.at(-1)) {
    steps.pop();
    blanks.push("");
  }
  return blanks;
}

/** The same text again. */
export function writeSessionText({ preface, scenes }: SessionText): string {
  return `${[...preface, ...scenes.flatMap(linesOfScene)].join("\n")}\n`;
}

/** One scene as it stands in its file. */
export function textOfScene(scene: Scene): string {
  return `${linesOfScene(scene).join("\n")}\n`;
}

function linesOfScene({ title, steps }: Scene): string[] {
  return [`${titleMark}${title}`, ...steps.flatMap(linesOfStep)];
}

function linesOfStep(step: Step): string[] {
  switch (step.kind) {
    case "prose":
      return [step.text];
    case "directive":
      return [`${indentation}${directiveMark}${step.text}`];
    case "command":
      return [...linesOfCommand(step.lines), ...step.expected].map((line) =>
        `${indentation}${line}`.trimEnd(),
      );
  }
}

function linesOfCommand([first = "", ...more]: string[]): string[] {
  return [`${commandMark}${first}`, ...more.map((line) => `${continuationMark}${line}`)];
}

/** Standard output, then standard error, then the exit status where it is not 0. */
export function linesOfOutcome({ stdout, stderr, status }: Outcome): string[] {
  const output = linesOf(stdout).map(escapeLine);
  if (output.at(-1) === "") output.splice(-1, 1, "\\");
  const errors = linesOf(stderr).map((line) => `${errorMark}${line}`.trimEnd());
  return [...output, ...errors, ...(status === 0 ? [] : [`[${status}]`])];
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  if (!text.endsWith("\n")) return `${text} ${noNewline}`.split("\n");
  return text.slice(0, -1).split("\n");
}

/** An output line that reads like something else of this form is told apart by a backslash. */
function escapeLine(line: string): string {
  const text = line.trimEnd();
  return /^(?:[$>@!] |!$|\[\d+\]$|\\|\.\.\.$)/.test(text) ? `\\${text}` : text;
}

/** Whether the lines are what was expected: each the same, `...` any number of them. */
export function isExpected(lines: readonly string[], expected: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return lines.length === 0;
  if (first === anyLines) {
    return lines.some((_, index) => isExpected(lines.slice(index), rest)) || isExpected([], rest);
  }
  return lines[0] === first && isExpected(lines.slice(1), rest);
}
