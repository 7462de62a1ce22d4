// One run of h2load: requests over HTTP/2 with TLS, and whether every answer was the one that was
// expected.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quantile } from "../median.ts";
import { runProgram } from "../run-program.ts";
import type { Stage } from "../stage.ts";
import type { Target } from "./probe.ts";
import { FailedRun, type Run } from "./run.ts";

export const connections = 8;
export const streamsEach = 8;

const graceMs = 30_000;

/**
 * @param length of the body of each answer
 * @throws {FailedRun} when any answer was another one
 */
export async function h2load(
  { folder }: Stage,
  target: Target,
  length: number,
  seconds: number,
): Promise<Run> {
  const { Host = "", ...others } = target.headers;
  const headers = Object.entries({ ...others, ":authority": Host }).flatMap(([name, value]) => [
    "-H",
    `${name.toLowerCase()}: ${value}`,
  ]);
  const log = join(folder, "h2load.log");
  const size = ["-t1", `-c${connections}`, `-m${streamsEach}`, `-D${seconds}`];
  const url = `https://127.0.0.1:${target.port}${target.path}`;
  const limitMs = seconds * 1_000 + graceMs;
  const text = await runProgram("h2load", [...size, `--log-file=${log}`, ...headers, url], {
    limitMs,
  });
  const requests = countOf(text, /(\d+) done/);
  if (!/Application protocol: h2$/m.test(text)) throw new FailedRun(`no HTTP/2:\n${text}`);
  checkAnswers(text, requests, length);
  const times = timesIn(readFileSync(log, "latin1"));
  return { requests, seconds, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

function checkAnswers(text: string, requests: number, length: number): void {
  const good = countOf(text, /status codes: (\d+) 2xx/);
  const failed = countOf(text, /(\d+) failed/);
  if (requests === 0 || good < requests || failed > 0)
    throw new FailedRun(`${requests - good} of ${requests} are not 200, ${failed} failed`);
  // When the time is over, parts of answers may have come.
  const bytes = countOf(text, /headers \(.*, \S+ \((\d+)\) data/);
  const most = (requests + connections * streamsEach) * length;
  if (bytes >= requests * length && bytes <= most) return;
  throw new FailedRun(`bodies of ${(bytes / requests).toFixed(0)} bytes on average`);
}

function countOf(text: string, pattern: RegExp): number {
  const digits = pattern.exec(text)?.[1];
  if (digits === undefined) throw new FailedRun(`h2load does not say ${pattern}:\n${text}`);
  return Number(digits);
}

/** @param log one line a request: when it began, its status, microseconds that it took */
function timesIn(log: string): number[] {
  const lines = log.trim().split("\n");
  return lines.map((line) => Number(line.split("\t")[2]) / 1_000);
}
