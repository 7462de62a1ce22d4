// Runs the tool that a wrapper wraps, without a shell. Where Node can, this process becomes the
// tool: then signals, standard streams and exit status are the tool's by construction. That loses
// every descriptor but the standard ones (Node opens all others close-on-exec and has no way to say
// otherwise), so a tool that gets a secret through a descriptor is a child, and its signals and
// status are relayed.
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { cannotRunStatus, notFoundStatus, reasonOf } from "../exit-status.ts";
import { findTool } from "./find-tool.ts";

export interface Tool {
  command: string;
  args: string[];
  environment: NodeJS.ProcessEnv;
  /** open descriptors that become 3, 4, … of the tool */
  descriptors: number[];
}

/**
 * Runs the tool to its end; does not return where this process becomes the tool.
 * @returns the exit status: the tool's, 126 when it cannot be run, 127 when it is not there
 */
export async function runTool(tool: Tool, say: (line: string) => void): Promise<number> {
  const path = findTool(tool.command, tool.environment["PATH"] ?? "");
  if (path === undefined) {
    say(`postern: ${tool.command} is not there; install it or check PATH`);
    return notFoundStatus;
  }
  if (path === "") {
    say(`postern: ${tool.command} is not a program that can be run`);
    return cannotRunStatus;
  }
  if (tool.descriptors.length === 0 && canBecome(path, tool)) {
    process.execve?.(path, [tool.command, ...tool.args], definedOnly(tool.environment));
  }
  return spawnTool(path, tool, say);
}

// Linux refuses a longer single argument, and more than a few of these in all.
const longestArguments = 100_000;

/**
 * Whether `execve` is sure to work: when it fails, Node aborts instead of saying why. So only for
 * programs of the kind that Node itself is (scripts need an interpreter that may not be there), and
 * short argument lists.
 */
function canBecome(path: string, tool: Tool): boolean {
  if (
    typeof process.execve !== "function" ||
    process.platform !== "linux" ||
    !standardStreamsBlock()
  )
    return false;
  const size = [...tool.args, ...Object.values(tool.environment)].reduce(
    (sum, text) => sum + (text ?? "").length,
    0,
  );
  if (size > longestArguments || [...tool.args, tool.command].some((text) => text.includes("\0")))
    return false;
  const own = readHead(process.execPath);
  const other = readHead(path);
  // ELF: magic and class, then machine.
  return (
    own !== undefined &&
    other !== undefined &&
    own.subarray(0, 6).equals(other.subarray(0, 6)) &&
    own.readUInt16LE(18) === other.readUInt16LE(18)
  );
}

const nonBlocking = 0o4000;

/**
 * Node looks at `process.stderr` whenever a connection ends, and that makes a pipe non-blocking. A
 * tool that this process becomes would inherit it, and lose what its reader is too slow for; for a
 * child Node mends it.
 */
function standardStreamsBlock(): boolean {
  return [0, 1, 2].every((descriptor) => {
    try {
      const [, flags = ""] =
        /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8")) ?? [];
      return flags !== "" && (Number.parseInt(flags, 8) & nonBlocking) === 0;
    } catch {
      return false;
    }
  });
}

function readHead(path: string): Buffer | undefined {
  const head = Buffer.alloc(20);
  try {
    const file = openSync(path, "r");
    try {
      return readSync(file, head, 0, head.length, 0) === head.length ? head : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function definedOnly(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

// The terminal sends these to the whole group; a tool that handles one must not lose us before it
// ends.
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
const sentToGroup = new Set<NodeJS.Signals>(["SIGINT", "SIGQUIT", "SIGWINCH"]);

/**
 * Asked of the descriptors: looking at `process.stdin` would make the child's input non-blocking.
 */
function hasTerminal(): boolean {
  const { isatty } = process.getBuiltinModule("node:tty");
  return isatty(0) || isatty(2);
}

async function spawnTool(path: string, tool: Tool, say: (line: string) => void): Promise<number> {
  const { spawn } = await import("node:child_process");
  let child: ChildProcess | undefined;
  // Before the tool starts: a signal that comes in the moment of its first step is its own, and
  // must not end us alone.
  for (const signal of relayed) {
    process.on(signal, () => {
      // From the keyboard the child has got it already; twice would abort what once interrupts.
      if (!(sentToGroup.has(signal) && hasTerminal())) child?.kill(signal);
    });
  }
  const started = spawn(path, tool.args, {
    argv0: tool.command,
    env: tool.environment,
    stdio: ["inherit", "inherit", "inherit", ...tool.descriptors],
  });
  child = started;
  return new Promise((resolve) => {
    started.on("error", (error) => {
      say(`postern: ${tool.command} cannot be run (${reasonOf(error)})`);
      resolve(cannotRunStatus);
    });
    started.on("exit", (code, signal) => {
      if (signal === null) {
        resolve(code ?? 1);
        return;
      }
      // Ends the same way, so that a shell sees what happened to the tool.
      for (const each of relayed) process.removeAllListeners(each);
      process.exitCode = 128 + osConstants.signals[signal];
      process.kill(process.pid, signal);
      resolve(128 + osConstants.signals[signal]);
    });
  });
}
