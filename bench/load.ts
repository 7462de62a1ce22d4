// One run of wrk: 64 keep-alive connections for some seconds, and what it says afterwards.
import { spawn } from "node:child_process";
import { onCore } from "./process.ts";

export interface Load {
  requestsPerSecond: number;
  /** milliseconds */
  p50: number;
  p99: number;
}

/**
 * @param headers of every request
 * @throws {Error} when any answer was not 2xx, or a connection failed: such a figure means nothing
 */
export async function load(
  url: string,
  headers: Record<string, string>,
  seconds: number,
): Promise<Load> {
  const own = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const [program, args] = onCore("load", "wrk", [
    "-t1",
    "-c64",
    `-d${seconds}s`,
    "--latency",
    ...own,
    url,
  ]);
  const text = await outputOf(program, args);
  if (/Non-2xx|Socket errors/.test(text))
    throw new Error(`${url} did not answer every request:\n${text}`);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p50: milliseconds(/^\s+50%\s+(\S+)/m.exec(text)?.[1]),
    p99: milliseconds(/^\s+99%\s+(\S+)/m.exec(text)?.[1]),
  };
}

function milliseconds(written = ""): number {
  const [, value = "NaN", unit = "ms"] = /^([\d.]+)(us|ms|s)$/.exec(written) ?? [];
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"];
}

function outputOf(program: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}

export function median(values: number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
