// The servers that are measured: processes of their own, each pinned to the core it is meant to
// have.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";

/** Core 0 is the proxy's alone; load and origin share the other. On one core nothing is pinned. */
export const pinning = availableParallelism() >= 2;
export type Core = "proxy" | "load";

/** The command line that runs `command` on a core. */
export function onCore(core: Core, command: string, args: string[]): [string, string[]] {
  return pinning
    ? ["taskset", ["-c", core === "proxy" ? "0" : "1", command, ...args]]
    : [command, args];
}

export interface Server {
  pid: number;
  /** resolves when what it printed matches; rejects when it ends before */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** when it has ended by itself, or was stopped */
  ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server and resolves when what it prints matches.
 * @throws {Error} when it ends before
 */
export async function startServer(
  core: Core,
  command: string,
  args: string[],
  options: { environment?: Record<string, string>; ready: RegExp },
): Promise<Server> {
  const [program, all] = onCore(core, command, args);
  const child = spawn(program, all, {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let output = "";
  const listeners = new Set<() => void>();
  const append = (chunk: Buffer) => {
    output += chunk.toString();
    for (const look of listeners) look();
  };
  child.stdout.on("data", append);
  child.stderr.on("data", append);
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output);
        if (found !== null) resolve(found);
      };
      listeners.add(look);
      look();
      child.once("error", reject);
      void ended.then(() =>
        reject(new Error(`${command} ended before it said ${pattern}:\n${output}`)),
      );
    });
  await until(options.ready);
  return { pid: pidOf(child), until, ended, stop: () => stop(child, ended) };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the process has no id");
  return child.pid;
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(hard);
}

/** Resident memory in MiB of a process and its children (nginx has a worker below its master). */
export function residentMemory(pid: number): number {
  const own = Number(/VmRSS:\s+(\d+)/.exec(procFile(`${pid}/status`))?.[1] ?? 0) / 1024;
  const children = procFile(`${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean);
  return children.reduce((sum, child) => sum + residentMemory(Number(child)), own);
}

/** Empty for a process that has just ended: socat has one for each connection. */
function procFile(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** `count` different ports of 127.0.0.1 that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
