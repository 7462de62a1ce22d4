// `completion`: prints the script for a shell; and, for that script, what can follow on the line
// that somebody is typing. Whatever is wrong with what is stored, Tab offers less and says nothing.
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import { knownOrigins } from "../../store/known-hosts.ts";
import { listProfiles } from "../../store/token-files.ts";
import type { CommandGroup, Invocation } from "../command.ts";
import { type Candidate, type Completion, complete, type Stored } from "./complete.ts";
import { scripts } from "./scripts.ts";
import { candidatesWord } from "./shells.ts";

/** @returns the exit status */
export async function runCompletion(invocation: Invocation, table: CommandGroup): Promise<number> {
  const { args, surroundings } = invocation;
  const [word = "", ...others] = args;
  if (word === candidatesWord) {
    writeOutput(answerText(complete(table, others, storedAt(surroundings))));
    return 0;
  }
  const script = Object.hasOwn(scripts, word) ? scripts[word] : undefined;
  if (script !== undefined && others.length === 0) {
    writeOutput(script);
    return 0;
  }
  const names = Object.keys(scripts).join(", ");
  throw new CliError(
    "usage",
    `completion takes the name of a shell: ${names}; for example: source <(postern completion bash)`,
  );
}

function storedAt(surroundings: Invocation["surroundings"]): Stored {
  return {
    profiles: () => orNone(() => listProfiles(surroundings)),
    applications: () => orNone(() => knownOrigins(surroundings)),
  };
}

function orNone(list: () => string[]): string[] {
  try {
    return list().filter(isPlain);
  } catch {
    return [];
  }
}

/** A candidate is one line of the answer, and may be shown as it is. */
function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cf}]/u.test(text);
}

/**
 * What the scripts read: what else to offer on the first line, then the candidates, each with its
 * description behind a tab.
 */
function answerText({ candidates, otherwise }: Completion): string {
  const first = otherwise.kind === "tool" ? `tool ${otherwise.at}` : otherwise.kind;
  return [first, ...candidates.map(lineOf)].map((line) => `${line}\n`).join("");
}

function lineOf({ text, description }: Candidate): string {
  return description === undefined ? text : `${text}\t${description}`;
}
