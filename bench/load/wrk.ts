// One run of wrk, and whether every answer was the one that was expected: wrk itself counts
// failures and refusals, and the bytes that it read tell an answer of another length, such as a
// redirect to a login.
import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import { type Answer, probe, type Target } from "./probe.ts";
import { FailedRun, type Run } from "./run.ts";

export interface WrkOptions {
  seconds: number;
  /** default: 64 */
  connections?: number;
  /** whole requests with NUL after each, of which each one is sent by chance */
  requestsFile?: string;
}

/** What `wrk.lua` prints. */
export interface Summary {
  requests: number;
  microseconds: number;
  bytes: number;
  p50: number;
  p99: number;
  connect: number;
  read: number;
  write: number;
  status: number;
  timeout: number;
}

const script = join(import.meta.dirname, "wrk.lua");

/**
 * Heads of one sender are of one length, or nearly: one redirect among a thousand answers of 1 kB
 * shows.
 */
const headSlack = 1;
/** Beyond its time: it waits for its threads, and makes its requests first. */
const graceMs = 30_000;

/**
 * @param length of the body of each answer
 * @throws {FailedRun} when any answer was another one
 */
export async function wrk(target: Target, length: number, options: WrkOptions): Promise<Run> {
  const sample = await probe(target);
  checkAnswer(target, sample, length);
  const summary = await runWrk(target, options);
  checkSummary(summary, sample, options.connections ?? defaultConnections);
  return {
    requests: summary.requests,
    seconds: summary.microseconds / 1e6,
    p50: summary.p50 / 1e3,
    p99: summary.p99 / 1e3,
  };
}

const defaultConnections = 64;

async function runWrk(target: Target, options: WrkOptions): Promise<Summary> {
  const { seconds, connections = defaultConnections, requestsFile } = options;
  const headers = Object.entries(target.headers).flatMap(([name, value]) => [
    "-H",
    `${name}: ${value}`,
  ]);
  const scheme = target.isSecure ? "https" : "http";
  const url = `${scheme}://127.0.0.1:${target.port}${target.path}`;
  const file = requestsFile === undefined ? [] : ["--", requestsFile];
  const size = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "10s"];
  const text = await runProgram("wrk", [...size, "-s", script, ...headers, url, ...file], {
    limitMs: seconds * 1_000 + graceMs,
  });
  const json = /^JSON (.*)$/m.exec(text)?.[1];
  if (json === undefined) throw new FailedRun(`wrk said nothing:\n${text}`);
  return JSON.parse(json);
}

function checkAnswer({ path }: Target, { status, body }: Answer, length: number): void {
  if (status !== 200) throw new FailedRun(`${path} is answered with ${status}`);
  if (body.length === length) return;
  throw new FailedRun(`${path} has ${body.length} bytes instead of ${length}`);
}

/**
 * @param sample the answer to the same request, before
 * @throws {FailedRun} when not every answer can have been like it
 */
export function checkSummary(summary: Summary, sample: Answer, connections: number): void {
  checkErrors(summary);
  checkBytes(summary, sample, connections);
}

function checkErrors({ requests, connect, read, write, status, timeout }: Summary): void {
  const errors = Object.entries({ connect, read, write, status, timeout });
  const failures = errors.filter(([, count]) => count > 0).map((each) => each.join(": "));
  if (failures.length > 0) throw new FailedRun(`errors (${failures.join(", ")})`);
  if (requests === 0) throw new FailedRun("nothing was answered");
}

/** Each answer counted is whole; of the others, one a connection, a part may have come. */
function checkBytes({ requests, bytes }: Summary, sample: Answer, connections: number): void {
  const size = sample.headSize + sample.body.length;
  const least = requests * (size - headSlack);
  const most = (requests + connections) * (size + headSlack);
  if (bytes >= least && bytes <= most) return;
  const mean = (bytes / requests).toFixed(0);
  throw new FailedRun(`answers of ${mean} bytes on average, where one has ${size}`);
}
