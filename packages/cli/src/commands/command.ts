// A command is one value. Dispatch, the reading of its flags, its help, completion and manual pages
// come from that value. It is light: what the command does is loaded by `run`, when it
// runs (docs/adr/0001).
import type { Surroundings } from "../context.ts";
import type { Flag } from "../flag.ts";

export interface Command {
  /** the word it is called by: `token` */
  name: string;
  /** what follows the name in the list of its group: `URL` */
  operand?: string;
  /** the values of the operand, where there are few */
  choices?: readonly string[];
  /** one line for the list of its group */
  summary: string;
  /** what follows the name, one entry for each way to call it */
  usage: readonly string[];
  /** one paragraph for its help */
  description: string;
  flags: readonly Flag[];
  /** a whole command line */
  example: string;
  /**
   * For a command that runs a tool: the tool's arguments begin with the first argument that is no
   * flag (`last`), or stand anywhere between our flags (`mixed`).
   */
  toolArguments?: "last" | "mixed";
  /** @returns the exit status */
  run(invocation: Invocation): Promise<number>;
}

/** One call of a command. */
export interface Invocation {
  command: Command;
  /** the words that call it: `access token` */
  path: string;
  /** everything that follows the command's name */
  args: readonly string[];
  surroundings: Surroundings;
}

/** Commands under a common word: `access`, or none for those of `postern` itself. */
export interface CommandGroup {
  name: string;
  /** one line for the list of the group above */
  summary: string;
  groups: readonly CommandGroup[];
  commands: readonly Command[];
  /** further lines of its list: what to type, what it does */
  others: readonly (readonly [typed: string, summary: string])[];
  /** names that the contract promises and that are not there yet */
  promised: readonly string[];
  /** paragraphs that follow the list */
  notes: readonly string[];
  example: string;
}
