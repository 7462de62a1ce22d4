// Reads one call of a command of the `access` group: its flags, and from them its context.
import type { Context, Surroundings } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { settleStore } from "../store/choose-store.ts";
import type { ColorMode } from "../styled-line.ts";
import type { Invocation } from "./command.ts";
import { type CommandLine, readCommandLine } from "./command-line.ts";

/** @throws {CliError} usage */
export function readInvocation({ command, args, surroundings }: Invocation): {
  line: CommandLine;
  context: Context;
} {
  const toolFollows = command.toolArguments === "last";
  const line = readCommandLine(args, command.flags, { toolFollows });
  return { line, context: contextOf(surroundings, line) };
}

/** @throws {CliError} usage */
export function contextOf(surroundings: Surroundings, line: CommandLine): Context {
  const { name, environment, home, now, tell } = surroundings;
  const color = readColor(line.value("color") ?? "auto");
  const context: Context = {
    name,
    environment,
    home,
    now,
    tell,
    show: (text) => surroundings.show(text, color),
    status: (text) => surroundings.status(text, color),
    color,
    // Not copied: finding out loads a module, and most commands never ask.
    get onTerminal() {
      return surroundings.onTerminal;
    },
    profile: readProfile(line.value("profile") ?? (environment["POSTERN_PROFILE"] || "default")),
    caFile: line.value("ca-file") ?? (environment["POSTERN_CA_FILE"] || undefined),
    debug: line.has("debug"),
  };
  settleStore(context);
  return context;
}

function readColor(text: string): ColorMode {
  if (text === "auto" || text === "always" || text === "never") return text;
  throw new CliError("usage", `--color ${text.slice(0, 40)} is unknown; use auto, always or never`);
}

const longestProfile = 64;

function readProfile(text: string): string {
  if (text !== "" && text.length <= longestProfile) return text;
  throw new CliError(
    "usage",
    `--profile takes a name of 1 to ${longestProfile} characters, such as work`,
  );
}
