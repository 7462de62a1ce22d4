// Reads one call of a command of the `access` group: its flags, and from them its context.
import type { Context, Surroundings } from "../context.ts";
import { CliError } from "../exit-status.ts";
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
  refuseKeychain(environment);
  return {
    name,
    environment,
    home,
    now,
    tell,
    // Not copied: finding out loads a module, and most commands never ask.
    get onTerminal() {
      return surroundings.onTerminal;
    },
    profile: readProfile(line.value("profile") ?? (environment["POSTERN_PROFILE"] || "default")),
    caFile: line.value("ca-file") ?? (environment["POSTERN_CA_FILE"] || undefined),
    debug: line.has("debug"),
  };
}

const longestProfile = 64;

function readProfile(text: string): string {
  if (text !== "" && text.length <= longestProfile) return text;
  throw new CliError(
    "usage",
    `--profile takes a name of 1 to ${longestProfile} characters, such as work`,
  );
}

/** Whoever asks for the keychain must not find the tokens in files. */
function refuseKeychain(environment: NodeJS.ProcessEnv): void {
  const store = environment["POSTERN_TOKEN_STORE"] || "file";
  if (store === "file") return;
  const unknown = `"${store.slice(0, 40)}" is unknown`;
  const fault = store === "keychain" ? "the system's keychain is not supported yet" : unknown;
  throw new CliError(
    "usage",
    `POSTERN_TOKEN_STORE: ${fault}; set it to file, or unset it, to keep tokens in files that only you can read`,
  );
}
