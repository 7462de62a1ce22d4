// Programs that are started for a moment, on the core of the load. This process goes on meanwhile:
// it may be the origin that they speak with.
import { type ChildProcess, spawn } from "node:child_process";
import { type Core, onCore } from "./process.ts";

export interface ProgramOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** after which it is killed; default: five minutes */
  limitMs?: number;
  /** default: that of the load */
  core?: Core;
}

const defaultLimitMs = 5 * 60_000;

const running = new Set<ChildProcess>();
process.on("exit", killPrograms);

/** Ends those that are still under way: nobody waits for them any more. */
export function killPrograms(): void {
  for (const child of running) child.kill("SIGKILL");
}

/**
 * @returns what it printed
 * @throws {Error} when it does not end with 0 within its time, with what it complained about
 */
export function runProgram(
  command: string,
  args: string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { env, limitMs = defaultLimitMs, core = "load", ...others } = options;
  const [program, all] = onCore(core, command, args);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, all, {
    ...others,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  running.add(child);
  let output = "";
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  child.once("error", reject);
  child.once("close", (code, signal) => {
    if (code === 0) resolve(output);
    else reject(new Error(`${command} ended with ${code ?? signal}: ${complaints}`));
  });
  return promise.finally(() => running.delete(child));
}
