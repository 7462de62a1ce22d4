import { type SpawnOptionsWithoutStdio, spawn } from "node:child_process";
import type { Finished } from "../../packages/cli/test/support/terminal.ts";
import { watchProcess } from "../support/cli.ts";

/** Runs a program to its end. @param input what it reads */
export async function runUntilEnd(
  program: string,
  args: string[],
  options: SpawnOptionsWithoutStdio,
  input = "",
): Promise<Finished> {
  const running = watchProcess(spawn(program, args, options));
  running.child.stdin.end(input);
  const status = await running.ended;
  return { status, stdout: running.stdout(), stderr: running.stderr() };
}
