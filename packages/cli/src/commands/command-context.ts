// Makes the context of one command from its common flags and what main read of the process.

import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { CommandLine } from "./command-line.ts";

/** What is the same for every command. */
export type Surroundings = Pick<
  Context,
  "name" | "environment" | "home" | "now" | "onTerminal" | "say"
> & {
  /** `--json` was given: main reports an error accordingly */
  jsonErrors: boolean;
};

/** @throws {CliError} usage */
export function contextOf(surroundings: Surroundings, line: CommandLine): Context {
  const { name, environment, home, now, say } = surroundings;
  surroundings.jsonErrors ||= line.has("json");
  refuseKeychain(environment);
  return {
    name,
    environment,
    home,
    now,
    say,
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

/** Whoever asks for the keychain must not find his tokens in files. */
function refuseKeychain(environment: NodeJS.ProcessEnv): void {
  const store = environment["POSTERN_TOKEN_STORE"] || "file";
  if (store === "file") return;
  const why =
    store === "keychain"
      ? "the system's keychain is not supported yet"
      : `"${store.slice(0, 40)}" is unknown`;
  throw new CliError(
    "usage",
    `POSTERN_TOKEN_STORE: ${why}; set it to file, or unset it, to keep tokens in files that only you can read`,
  );
}
