// Makes the context of one command from its common flags and what main read of the process.
import type { CommandLine } from "./command-line.ts";
import type { Context } from "./context.ts";

/** What is the same for every command. */
export type Surroundings = Pick<Context, "name" | "environment" | "home" | "now" | "onTerminal" | "say">;

export function contextOf(surroundings: Surroundings, line: CommandLine): Context {
  return {
    ...surroundings,
    profile: line.value("profile") ?? (surroundings.environment["POSTERN_PROFILE"] || "default"),
    caFile: line.value("ca-file") ?? (surroundings.environment["POSTERN_CA_FILE"] || undefined),
    debug: line.has("debug"),
  };
}
