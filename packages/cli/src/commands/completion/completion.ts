import type { Command, CommandGroup } from "../command.ts";
import { helpFlag } from "../flags.ts";
import { shells } from "./shells.ts";

/**
 * `completion`
 * @param table every command, itself included
 */
export function completionOf(table: () => CommandGroup): Command {
  return {
    name: "completion",
    operand: "SHELL",
    choices: shells,
    summary: "print the script that completes commands in a shell",
    usage: [shells.join("|")],
    description:
      "Prints a script for bash, zsh or fish that completes commands, flags, their values, profiles, and the applications that this machine has seen. bash and zsh read it with: source <(postern completion bash). fish reads it with: postern completion fish | source.",
    flags: [helpFlag],
    example: "source <(postern completion bash)",
    run: async (invocation) =>
      (await import("./run-completion.ts")).runCompletion(invocation, table()),
  };
}
