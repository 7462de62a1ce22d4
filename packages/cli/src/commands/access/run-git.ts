// `access git`: what a person calls, `setup`, and what git starts: `credential` and `serve`.
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import type { Invocation } from "../command.ts";
import type { CommandLine } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";

/** @returns the exit status */
export async function runGit(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const [verb, ...rest] = line.rest;
  const run = Object.hasOwn(verbs, verb ?? "") ? verbs[verb ?? ""] : undefined;
  if (run !== undefined) return run(context, line, rest);
  throw new CliError(
    "usage",
    "access git takes setup, for example: postern access git setup https://git.example.com",
  );
}

type Run = (context: Context, line: CommandLine, rest: readonly string[]) => Promise<number>;

const verbs: Readonly<Record<string, Run>> = {
  setup: async (...call) => (await import("./run-git-setup.ts")).setUpGit(...call),
  credential: async (...call) => (await import("./run-git-credential.ts")).answerGit(...call),
  serve: async (...call) => (await import("./run-git-serve.ts")).serveForge(...call),
};
