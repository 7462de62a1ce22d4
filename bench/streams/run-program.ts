// Programs that are started for a moment, on the core of the load. This process goes on meanwhile:
// it may be the origin that they speak with.
import { spawn } from "node:child_process";
import { onCore } from "../process.ts";

/**
 * @returns what it printed
 * @throws {Error} when it does not end with 0, with what it complained about
 */
export function runProgram(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const [program, all] = onCore("load", command, args);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const env = { ...process.env, ...options.env };
  const child = spawn(program, all, { ...options, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  child.once("error", reject);
  child.once("close", (code) => {
    if (code === 0) resolve(output);
    else reject(new Error(`${command} ended with ${code}: ${complaints}`));
  });
  return promise;
}
