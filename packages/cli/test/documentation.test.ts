// docs/cli.md and the help of the built command line name the same commands and flags.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Machine, machine } from "./support/terminal.ts";

const text = readFileSync(join(import.meta.dirname, "../../../docs/cli.md"), "utf8");
const sections = readSections(text);

test("the page on the command line has every command of the help, and no other", async (context) => {
  const inHelp = await commandsOfHelp(machine(context));
  assert.ok(inHelp.length > 10, inHelp.join());
  assert.deepEqual(documentedCommands().toSorted(), inHelp.toSorted());
});

test("the page on the command line has every flag of each command's help, and no other", async (context) => {
  const person = machine(context);
  for (const command of await commandsOfHelp(person)) {
    const help = await helpOf(person, command);
    const documented = documentedFlags(command);
    for (const flag of shownFlags(help))
      assert.ok(documented.has(flag), `${command} ${flag} is in the help alone`);
    for (const flag of documented)
      assert.ok(flagsIn(withoutExample(help)).has(flag), `${command} ${flag} is on the page alone`);
  }
});

test("each example on the page is the one that the help shows", async (context) => {
  const person = machine(context);
  for (const command of documentedCommands()) {
    const [, example = ""] = /^```sh\n(.*)\n```$/m.exec(sectionOf(command)) ?? [];
    const shown = /^Example:\s+(.*)$/m.exec(await helpOf(person, command))?.[1];
    assert.equal(shown, example);
  }
});

const groups = ["access", "keys", "admin-token", "sessions"];

/** Every command by the words that call it, `access token`, from the lists that groups print. */
async function commandsOfHelp(person: Machine): Promise<string[]> {
  const top = entriesOf(await helpOf(person, "")).filter((name) => !groups.includes(name));
  const inGroups = groups.map(async (group) => {
    const names = entriesOf(await helpOf(person, group));
    return names.map((name) => `${group} ${name}`);
  });
  return [...top, ...(await Promise.all(inGroups)).flat()];
}

async function helpOf(person: Machine, command: string): Promise<string> {
  const words = command.split(" ").filter((word) => word !== "");
  const help = await person.run([...words, "--help"]);
  assert.equal(help.status, 0, command);
  return help.stdout;
}

/** The first words of the list's lines: `  login URL   sign in …` → `login` */
function entriesOf(help: string): string[] {
  const lines = help.matchAll(/^ {2}([a-z][a-z-]*(?: [a-z][a-z-]*)*)(?: [A-Z]+)* {2,}\S/gm);
  return [...lines].map(([, name = ""]) => name);
}

/** Flags of the usage and those that begin a line of the table of flags. */
function shownFlags(help: string): ReadonlySet<string> {
  const usage = /^Usage: .*(?:\n {3,}.*)*/.exec(help)?.[0] ?? "";
  const labels = [...help.matchAll(/^ {2}(-\S.*?)(?: {2,}|$)/gm)].map(([, label]) => label);
  return flagsIn([usage, ...labels].join("\n"));
}

/** `-app=URL` is `--app URL` in the way of Go. */
function flagsIn(text: string): Set<string> {
  const flags = [...text.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map(([flag]) => flag);
  return new Set(flags.map((flag) => flag.replace(/^-(?=[a-z]{3})/, "--")));
}

function withoutExample(help: string): string {
  return help.replace(/^Example:\s+.*$/m, "");
}

function documentedCommands(): string[] {
  const commands: string[] = [];
  let chapter = "";
  for (const [, marks, title = ""] of text.matchAll(/^(##|###) (.*)$/gm)) {
    if (marks === "##") chapter = title;
    else if (chapter === "access" || chapter.startsWith("Commands ")) commands.push(title);
  }
  return commands;
}

/** The flags in the tables of a command's section, and of the sections that it refers to. */
function documentedFlags(title: string): Set<string> {
  const section = sectionOf(title);
  const cells = [...section.matchAll(/^\| (`-.*?) \|/gm)].map(([, cell]) => cell);
  const [shared = ""] = /^Also takes [\s\S]*?\n\n/m.exec(section) ?? [];
  const anchors = [...shared.matchAll(/\(#([\w-]+)\)/g)].map(([, anchor = ""]) => anchor);
  return new Set([
    ...flagsIn(cells.join("\n")),
    ...anchors.flatMap((each) => [...documentedFlags(each)]),
  ]);
}

function sectionOf(title: string): string {
  const section = sections.get(anchorOf(title));
  assert.ok(section !== undefined, `docs/cli.md has no heading "${title}"`);
  return section;
}

/** Sections by the anchor of their heading, up to the next heading. */
function readSections(markdown: string): ReadonlyMap<string, string> {
  const parts = markdown.split(/^#{2,3} /m).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [anchorOf(part.slice(0, end)), part.slice(end + 1)];
    }),
  );
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(" ", "-");
}
