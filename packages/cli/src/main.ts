// The command line: command → exit status. Everything a command needs is loaded when it runs and
// not before: `access token` must start as fast as Node itself (docs/adr/0001). So no import here
// may lead to node:crypto, node:http or node:child_process.
import { basename } from "node:path";
import { printableJson } from "@postern/protocol/printable";
import { asksForHelp, asksForJson, untilDashes } from "./commands/command-line.ts";
import { accessGroup, findTarget, pathOf, suggestCommand, type Target } from "./commands/index.ts";
import { officialArguments } from "./commands/official-arguments.ts";
import type { Surroundings } from "./context.ts";
import { CliError, reasonOf, statusOf, wrapperStatus } from "./exit-status.ts";
import { readArguments } from "./raw-arguments.ts";
import { Screen } from "./screen.ts";
import { writeError, writeOutput } from "./standard-output.ts";
import { posternHome } from "./store/home.ts";
import { isTerminal, terminalColumns } from "./terminal.ts";

/** @returns the exit status */
async function run(target: Target, surroundings: Surroundings): Promise<number> {
  switch (target.kind) {
    case "version":
      return printVersion(target, surroundings);
    case "group":
      return printHelp(target);
    case "command":
      if (asksForHelp(target.command, target.args)) return printHelp(target);
      return target.command.run({ ...target, path: pathIn(target), surroundings });
    case "unknown":
      throw unknownCommand(target, surroundings);
  }
}

async function printVersion(
  { isShort }: Target & { kind: "version" },
  { name }: Surroundings,
): Promise<number> {
  const { shortVersionLine, versionLine } = await import("./version.ts");
  writeOutput(isShort ? shortVersionLine(name) : versionLine(name));
  return 0;
}

async function printHelp(target: Target & { kind: "group" | "command" }): Promise<number> {
  const { helpOfCommand, helpOfGroup, helpWidth } = await import("./commands/help.ts");
  const width = helpWidth(terminalColumns(1));
  if (target.kind === "group") {
    writeOutput(helpOfGroup(target.group, width));
    return 0;
  }
  writeOutput(helpOfCommand(pathIn(target), target.command, width));
  return 0;
}

function pathIn({ group, command }: Target & { kind: "command" }): string {
  return pathOf(group, command.name);
}

function unknownCommand(
  { group, name }: Target & { kind: "unknown" },
  { name: program }: Surroundings,
): CliError {
  const path = pathOf(group, name);
  if (group.promised.includes(name)) return new CliError("usage", `${path} is not available yet`);
  const suggestion = suggestCommand(group, name);
  const question = suggestion === undefined ? "" : ` do you mean ${program} ${suggestion}?`;
  const refusal = `${path.slice(0, 60)} is not a command;${question} --help lists them`;
  return new CliError("usage", refusal);
}

/** Who is running, read from the process. The only place of this program that reads it. */
function readSurroundings(): Surroundings {
  return {
    name: programName,
    environment: process.env,
    get home() {
      return posternHome(process.env, process.platform);
    },
    now: Date.now,
    get onTerminal() {
      return isOnTerminal();
    },
    tell,
    show: (line, color = "auto") => screen.tell(line, color),
    status: (line, color = "auto") => screen.status(line, color),
  };
}

/** @param path of the program as it was started, which may be a symbolic link */
function nameOf(path: string): Surroundings["name"] {
  return /^cloudflared(?:\.exe)?$/.test(basename(path)) ? "cloudflared" : "postern";
}

function tell(line: string): void {
  screen.tell(line, "auto");
}

/** Asked only when it matters: finding out loads a module. */
function isOnTerminal(): boolean {
  return (process.env["CI"] ?? "") === "" && isTerminal(2);
}

/**
 * Others can read arguments; a secret given there is at least gone from the process list soon (case
 * C9).
 */
function wipeSecretArguments(argv: readonly string[]): void {
  if (argv.some((argument) => /^--?(?:service-token-secret|secret)(?:=|$)/.test(argument)))
    process.title = "postern";
}

/** @returns the exit status */
function report(error: unknown, target: Target): number {
  const { code, message } = failureOf(error);
  const isWrapper = target.kind === "command" && target.command.toolArguments !== undefined;
  if (wantsJson(target)) writeError(`${printableJson({ error: { code, message } })}\n`);
  else if (isWrapper) tell(`postern: ${message} [${code}]`);
  else tell(`postern: ${message}`);
  return isWrapper ? wrapperStatus : statusOf(code);
}

function failureOf(error: unknown): Pick<CliError, "code" | "message"> {
  if (error instanceof CliError) return error;
  const [firstLine] = reasonOf(error).split("\n", 1);
  return { code: "failure", message: `internal error: ${firstLine}` };
}

function wantsJson(target: Target): boolean {
  if (target.kind === "command") return asksForJson(target.command, target.args);
  if (target.kind !== "unknown" || target.group !== accessGroup) return false;
  return untilDashes(target.args).some((argument) => /^--?json$/.test(argument));
}

const screen = new Screen({
  environment: process.env,
  platform: process.platform,
  get onTerminal() {
    return isOnTerminal();
  },
  columns: () => terminalColumns(2),
  write: writeError,
});

// First of all: a change of the process's title would overwrite them.
const argv = readArguments(process.argv.slice(2));
const programName = nameOf(process.argv[1] ?? "");
const target = findTarget(programName === "cloudflared" ? officialArguments(argv) : argv);
wipeSecretArguments(argv);
run(target, readSurroundings())
  .catch((error: unknown) => report(error, target))
  .then((status) => {
    process.exitCode = status;
  });
