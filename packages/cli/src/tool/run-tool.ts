// Runs the tool that a wrapper wraps, without a shell. Where Node can, this process becomes the
// tool: then signals, standard streams and exit status are the tool's by construction. That loses
// every descriptor but the standard ones (Node opens all others close-on-exec and has no way to say
// otherwise), so a tool that gets a secret through a descriptor is a child (spawn-tool.ts).
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { cannotRunStatus, notFoundStatus } from "../exit-status.ts";
import { findTool } from "./find-tool.ts";
import { withRawArguments } from "./raw-tool.ts";
import type { Tool } from "./tool.ts";

/**
 * Runs the tool to its end; does not return where this process becomes the tool.
 * @throws {CliError} usage, where an argument cannot reach the tool as it came
 * @returns the exit status: the tool's, 126 when it cannot be run, 127 when it is not there
 */
export async function runTool(tool: Tool, tell: (line: string) => void): Promise<number> {
  const { command, environment } = tool;
  const path = findTool(command, environment["PATH"] ?? "");
  if (path === undefined) {
    tell(`postern: ${command} was not found; install it or check PATH`);
    return notFoundStatus;
  }
  if (path === "") {
    tell(`postern: ${command} is not an executable program`);
    return cannotRunStatus;
  }
  const start = withRawArguments(path, tool);
  if (mayReplaceUs(tool) && canBecome(start.path, start.tool)) become(start);
  const { spawnTool } = await import("./spawn-tool.ts");
  return spawnTool(start.path, start.tool, tell);
}

/** Nothing is left to do here once the tool runs. */
function mayReplaceUs({ descriptors, needsUs }: Tool): boolean {
  return descriptors.length === 0 && needsUs !== true;
}

function become({ path, tool }: { path: string; tool: Tool }): void {
  process.execve?.(path, [tool.command, ...tool.args], definedOnly(tool.environment));
}

// Linux refuses a longer single argument, and more than a few of these in all.
const longestArguments = 100_000;

/**
 * Whether `execve` is sure to work: when it fails, Node aborts instead of saying why. So only for
 * programs of the kind that Node itself is (scripts need an interpreter that may not be there), and
 * short argument lists.
 */
function canBecome(path: string, tool: Tool): boolean {
  const hasExecve = typeof process.execve === "function" && process.platform === "linux";
  return hasExecve && standardStreamsBlock() && fitsExecve(tool) && isProgramLikeNode(path);
}

function fitsExecve({ command, args, environment }: Tool): boolean {
  const texts = [...args, ...Object.values(environment)];
  const size = texts.reduce((sum, text = "") => sum + text.length, 0);
  const hasNul = [command, ...args].some((text) => text.includes("\0"));
  return size <= longestArguments && !hasNul;
}

const nonBlocking = 0o4000;

/**
 * Node looks at `process.stderr` whenever a connection ends, and that makes a pipe non-blocking. A
 * tool that this process becomes would inherit it, and lose what its reader is too slow for; for a
 * child Node mends it.
 */
function standardStreamsBlock(): boolean {
  return [0, 1, 2].every((descriptor) => {
    const flags = flagsOf(descriptor);
    return flags !== undefined && (flags & nonBlocking) === 0;
  });
}

function flagsOf(descriptor: number): number | undefined {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(text) ?? [];
    return flags === undefined ? undefined : Number.parseInt(flags, 8);
  } catch {
    return undefined;
  }
}

/** ELF of the same class and byte order, for the same machine. */
function isProgramLikeNode(path: string): boolean {
  const own = readHead(process.execPath);
  const other = readHead(path);
  if (own === undefined || other === undefined) return false;
  const isSameKind = own.subarray(0, 6).equals(other.subarray(0, 6));
  return isSameKind && own.readUInt16LE(18) === other.readUInt16LE(18);
}

/** The head of an ELF file: magic, class and byte order, and from 18 on the machine. */
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
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
