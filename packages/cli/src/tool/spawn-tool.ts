// Runs a tool as a child: its signals and its status are relayed.
import { type ChildProcess, spawn } from "node:child_process";
import { constants as osConstants } from "node:os";
import { cannotRunStatus, reasonOf } from "../exit-status.ts";
import { isTerminal } from "../terminal.ts";
import type { Tool } from "./tool.ts";

const relayed = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGCONT",
] as const;
/** The terminal sends these to the whole process group. */
const sentToGroup: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGQUIT", "SIGWINCH"]);

/**
 * Runs the tool to its end. Where a signal ended it, this process ends the same way.
 * @returns the exit status: the tool's, or 126 when it cannot be run
 */
export async function spawnTool(
  path: string,
  tool: Tool,
  tell: (line: string) => void,
): Promise<number> {
  let child: ChildProcess | undefined;
  // Before the tool starts: a signal that comes in the moment of its first step is its own, and
  // must not end us alone.
  for (const signal of relayed) process.on(signal, () => relay(signal, child));
  child = spawn(path, tool.args, {
    argv0: tool.command,
    env: tool.environment,
    stdio: ["inherit", "inherit", "inherit", ...tool.descriptors],
  });
  return exitStatus(child, tool, tell);
}

/** From the keyboard the child has got it already; twice would abort what once interrupts. */
function relay(signal: NodeJS.Signals, child: ChildProcess | undefined): void {
  if (!(sentToGroup.has(signal) && hasTerminal())) child?.kill(signal);
}

function hasTerminal(): boolean {
  return isTerminal(0) || isTerminal(2);
}

function exitStatus(
  child: ChildProcess,
  { command }: Tool,
  tell: (line: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    child.on("error", (error) => {
      tell(`postern: ${command} cannot be run (${reasonOf(error)})`);
      resolve(cannotRunStatus);
    });
    child.on("exit", (code, signal) => {
      resolve(signal === null ? (code ?? 1) : endBy(signal));
    });
  });
}

/** Ends the same way, so that a shell sees what happened to the tool. */
function endBy(signal: NodeJS.Signals): number {
  const status = 128 + osConstants.signals[signal];
  for (const each of relayed) process.removeAllListeners(each);
  process.exitCode = status;
  process.kill(process.pid, signal);
  return status;
}
