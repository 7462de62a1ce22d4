// `node bench/sessions.ts`: how many requests a gateway answers when they are of one session, of
// 20,000 and of 100,000, which its cache holds, and of ten times as many as it holds. They take
// turns, and each figure is relative to one session in the same round: by the rate, and by the CPU
// of the gateway, which other work on the machine disturbs less. Ends by itself after some minutes.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./median.ts";
import { freePorts, onCore } from "./process.ts";
import { sendRequests, startRawOrigin } from "./raw-load.ts";
import type { Usage } from "./sessions-gateway.ts";

const sessionCount = 100_000;
const fewer = 20_000;
/** of the gateway that ten times as many come to */
const smallCache = sessionCount / 10;
const rounds = 5;
const seconds = 2;
const program = join(import.meta.dirname, "sessions-gateway.ts");

interface Row {
  name: string;
  /** how many of the sessions the requests are of */
  sessions: number;
  rates: number[];
  /** microseconds of CPU a request */
  costs: number[];
}

const folder = mkdtempSync(join(tmpdir(), "postern-sessions-"));
const tokensFile = join(folder, "tokens");
const origin = await startRawOrigin();
try {
  await measure("holds them all", 2 * sessionCount, [
    row("one session", 1),
    row(`${fewer} sessions`, fewer),
    row(`${sessionCount} sessions`, sessionCount),
  ]);
  await measure(`holds ${smallCache}`, smallCache, [
    row("one session", 1),
    row(`${sessionCount} sessions`, sessionCount),
  ]);
} finally {
  origin.close();
  rmSync(folder, { recursive: true, force: true });
}

function row(name: string, sessions: number): Row {
  return { name, sessions, rates: [], costs: [] };
}

/** Measures the rows in turns against one gateway, and prints them. */
async function measure(what: string, cachedSessions: number, rows: Row[]): Promise<void> {
  const [port = 0] = await freePorts(1);
  const gateway = startGateway(port, cachedSessions);
  try {
    const empty = await answerOf(gateway);
    const all = readFileSync(tokensFile, "latin1").split("\n").map(requestWith);
    // Every session once, so that whatever fits is cached.
    const firsts = all.values();
    await sendRequests(port, () => firsts.next().value);
    for (let round = 0; round < rounds; round++)
      for (const each of rows) await measureOnce(gateway, port, all.slice(0, each.sessions), each);
    print(what, rows, empty, await usageOf(gateway));
  } finally {
    gateway.disconnect();
    await once(gateway, "exit");
  }
}

async function measureOnce(
  gateway: ChildProcess,
  port: number,
  requests: readonly string[],
  { rates, costs }: Row,
): Promise<void> {
  const before = await usageOf(gateway);
  const begin = performance.now();
  const end = begin + seconds * 1_000;
  const count = await sendRequests(port, () => {
    if (performance.now() > end) return undefined;
    return requests[Math.floor(Math.random() * requests.length)];
  });
  rates.push((count * 1_000) / (performance.now() - begin));
  costs.push(((await usageOf(gateway)).cpu - before.cpu) / count);
}

function print(what: string, rows: readonly Row[], empty: Usage, full: Usage): void {
  const [one] = rows;
  if (one === undefined) return;
  console.log(`\nThe cache ${what}:\n`);
  console.log("| requests of | req/s | × one session | CPU μs a request | × by CPU |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const { name, rates, costs } of rows) {
    const byRate = median(rates.map((rate, round) => rate / (one.rates[round] ?? Number.NaN)));
    const byCost = median(costs.map((cost, round) => (one.costs[round] ?? Number.NaN) / cost));
    const cells = [
      name,
      median(rates).toFixed(0),
      byRate.toFixed(2),
      median(costs).toFixed(1),
      byCost.toFixed(2),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  console.log(
    `\nMemory in MiB, before and after: heap ${empty.heap.toFixed(0)} and ${full.heap.toFixed(0)}, resident ${empty.resident.toFixed(0)} and ${full.resident.toFixed(0)}.`,
  );
}

/** The first one makes the sessions, which stay in the store for the next. */
function startGateway(port: number, cachedSessions: number): ChildProcess {
  const file = join(folder, "postern.yaml");
  const isFirst = cachedSessions > sessionCount;
  writeFileSync(file, configuration(port, cachedSessions));
  const count = isFirst ? sessionCount : 0;
  const args = [program, file, tokensFile, String(count)];
  const [command, all] = onCore("proxy", process.execPath, args);
  return spawn(command, all, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

async function usageOf(gateway: ChildProcess): Promise<Usage> {
  gateway.send("usage");
  return answerOf(gateway);
}

async function answerOf(gateway: ChildProcess): Promise<Usage> {
  const [answer] = await once(gateway, "message");
  return answer;
}

function requestWith(token: string): string {
  return `GET / HTTP/1.1\r\nHost: app.localhost\r\nCookie: CF_Authorization=${token}\r\n\r\n`;
}

function configuration(port: number, cachedSessions: number): string {
  const everybody = { email_domain: { domain: "example.com" } };
  const policies = [{ name: "people", decision: "allow", include: [everybody] }];
  return JSON.stringify({
    auth_domain: "login.localhost",
    listen: `127.0.0.1:${port}`,
    public_ports: [80],
    store: "sqlite:./postern.db",
    secret_key_file: "./secret.key",
    limits: { cached_sessions: cachedSessions },
    ingress: [{ service: `http://127.0.0.1:${origin.port}` }],
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }],
    applications: [{ name: "App", domain: "app.localhost", policies }],
  });
}
