// `node bench/large-store.ts [sqlite|postgres] [--quick]`: a gateway on a store with 100,000
// sessions that are alive, as many that are over, and a million rows of the access log. Prints how
// long it takes to start, how long an administrator waits for each list, and how long the serving
// thread and whoever needs the store wait while the older half is swept. Nothing leaves this
// machine.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { loadConfig } from "../packages/gateway/src/config/load-config.ts";
import { openStore } from "../packages/gateway/src/storage/open-store.ts";
import type { Store } from "../packages/gateway/src/storage/store.ts";
import { startPostern } from "../test/support/cli.ts";
import { freePort } from "../test/support/free-port.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { fillStatements } from "./large-store-rows.ts";

const isQuick = process.argv.includes("--quick");
const size = isQuick
  ? { people: 200, sessions: 1_000, rows: 10_000 }
  : { people: 20_000, sessions: 100_000, rows: 1_000_000 };
const day = 24 * 60 * 60_000;
const tries = 7;
const endings: (() => unknown)[] = [];
const context = { after: (end: () => unknown) => void endings.unshift(end) };

const wanted = ["sqlite", "postgres"].filter((name) => {
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
  return named.length === 0 || named.includes(name);
});
try {
  for (const name of wanted) await measure(name);
} finally {
  for (const end of endings) await end();
}

async function measure(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postern-large-"));
  context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const place = await makePlace(name, folder);
  const [adminPort, port] = [await freePort(), await freePort()];
  const file = join(folder, "postern.yaml");
  const text = JSON.stringify({
    ...{ store: place.url, listen: `127.0.0.1:${port}`, auth_domain: `login.localhost:${port}` },
    ...{ admin: { listen: `127.0.0.1:${adminPort}` }, log: { access_log_retention: "180d" } },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [{ service: "http_status:200" }],
    applications: Array.from({ length: 10 }, (_, index) => ({
      ...{ id: `app-${index}`, name: `App ${index}`, domain: `app-${index}.localhost` },
      policies: [{ name: "people", decision: "allow", include: [{ everyone: {} }] }],
    })),
  });
  writeFileSync(file, text);
  const { config } = loadConfig({ text, file, environment: {} });
  const open = () => openStore(config.store, randomBytes);

  // 1. The first start makes the tables and the applications; then the rows are put beside them.
  await (await startGateway(file)).stop();
  const now = Date.now();
  const auds = await applicationAuds(await open());
  const filling = performance.now();
  place.fill(fillStatements(name, size, { now, day, auds }));
  say(name, `filled in ${seconds(performance.now() - filling)}`);

  // 2. The start.
  const gateway = await startGateway(file);
  say(name, `start: ${gateway.text} until the gateway is up`);
  const empty = await emptyStart(folder, file);
  say(name, `start with an empty store, for comparison: ${empty}`);

  // 3. The lists.
  const secret = postern([
    "admin-token",
    "create",
    "bench",
    "--permission",
    "all",
    "--config",
    file,
  ]);
  const store = await open();
  const account = await store.settings.get("account_id", "");
  const { items } = await store.users.list({ limit: 1, offset: 5 });
  const user = items[0]?.id ?? "";
  const base = `http://127.0.0.1:${adminPort}/client/v4/accounts/${account}`;
  const last = Math.floor(size.sessions / 100);
  for (const path of [
    "/access/users",
    `/access/users?page=${Math.floor(size.people / 50)}`,
    "/access/users?search=person1",
    `/access/users/${user}/active_sessions`,
    `/access/users/${user}/failed_logins`,
    "/access/sessions",
    `/access/sessions?per_page=100&page=${last}`,
    "/access/sessions?kind=grant",
    `/access/sessions?kind=terminal&app_uid=app-3`,
    `/access/sessions?app_uid=app-3&per_page=100&page=${Math.floor(last / 10)}`,
    `/access/sessions?user_uid=${user}`,
    "/access/logs/access_requests",
    "/access/logs/access_requests?page=1000&per_page=100",
    "/access/logs/access_requests?allowed=false",
    "/access/logs/access_requests?app_uid=app-3&allowed=false",
    "/access/logs/access_requests?email=person7@example.com&email_exact=true",
    "/access/logs/access_requests?email=person77",
    "/access/logs/access_requests?ray_id=0000000000000bcd",
    "/audit_logs",
  ])
    say(name, `${(await timesOf(() => get(base + path, secret))).padEnd(40)} ${path}`);
  const query = { limit: 20, offset: 0 };
  say(
    name,
    `${(await timesOf(() => store.sessions.list(Date.now(), query))).padEnd(40)} the store's part of postern sessions list`,
  );
  const whole = performance.now();
  postern(["sessions", "list", "--config", file]);
  say(name, `${ms(performance.now() - whole).padEnd(40)} postern sessions list, as a process`);

  // 4. The sweep of the older half, beside whoever needs the store.
  await gateway.stop();
  await sweep(name, store, now);
  await store.close();
}

interface Place {
  url: string;
  fill(statements: readonly string[]): void;
}

async function makePlace(name: string, folder: string): Promise<Place> {
  if (name === "sqlite") {
    const file = join(folder, "postern.db");
    return {
      url: `sqlite:${file}`,
      fill(statements) {
        const database = new DatabaseSync(file);
        database.exec("pragma synchronous = off; pragma journal_mode = wal");
        for (const statement of statements) database.exec(statement);
        database.exec("pragma wal_checkpoint(truncate)");
        database.close();
      },
    };
  }
  const server = await startPostgres(context as never);
  return {
    url: server.url(),
    fill(statements) {
      for (const statement of [...statements, "vacuum analyze"]) server.run(statement);
    },
  };
}

async function startGateway(file: string) {
  const begun = performance.now();
  const running = startPostern(["gateway", "--config", file], {});
  context.after(() => void running.child.kill("SIGKILL"));
  await running.until(/the gateway is up/);
  const time = performance.now() - begun;
  const cpu = cpuSeconds(running.child.pid ?? 0);
  return {
    text: `${seconds(time)}, ${cpu.toFixed(2)} s of a processor`,
    async stop() {
      running.child.kill("SIGTERM");
      await running.ended;
    },
  };
}

/** What a process has used of processors: user and system time, in ticks of a hundredth second. */
function cpuSeconds(pid: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / 100;
}

/** How long the same gateway takes without any of it. */
async function emptyStart(folder: string, file: string): Promise<string> {
  const own = mkdtempSync(join(folder, "empty-"));
  const copy = join(own, "postern.yaml");
  const [port, adminPort] = [await freePort(), await freePort()];
  const document = JSON.parse(readFileSync(file, "utf8"));
  const other = {
    ...document,
    store: `sqlite:${join(own, "postern.db")}`,
    listen: `127.0.0.1:${port}`,
    auth_domain: `login.localhost:${port}`,
    admin: { listen: `127.0.0.1:${adminPort}` },
  };
  writeFileSync(copy, JSON.stringify(other));
  await (await startGateway(copy)).stop();
  const second = await startGateway(copy);
  await second.stop();
  return second.text;
}

async function applicationAuds(store: Store): Promise<string[]> {
  const objects = await store.objects.all();
  await store.close();
  return objects.flatMap(({ aud }) => (aud === null ? [] : [aud]));
}

function postern(args: readonly string[]): string {
  const bin = join(import.meta.dirname, "../packages/cli/dist/postern.cjs");
  return execFileSync(process.execPath, [bin, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
}

async function get(url: string, secret: string): Promise<void> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${secret}` } });
  const { result } = (await answer.json()) as { result: unknown };
  if (!answer.ok || !Array.isArray(result)) throw new Error(`${answer.status} of ${url}`);
}

async function timesOf(step: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let count = 0; count < tries; count++) {
    const begun = performance.now();
    await step();
    times.push(performance.now() - begun);
  }
  const sorted = times.toSorted((one, other) => one - other);
  const [least = 0, median = 0, most = 0] = [0, Math.floor(tries / 2), -1].map((at) =>
    sorted.at(at),
  );
  return `${ms(median)} (${ms(least)} to ${ms(most)})`;
}

async function sweep(name: string, store: Store, now: number): Promise<void> {
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  await wait(10_000);
  idle.disable();
  say(name, `the serving thread with nothing to do: paused for ${ms(idle.max / 1e6)} at most`);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const work = longestWork();
  const begun = performance.now();
  let isOver = false;
  const before = now - 90 * day;
  const sweeping = store
    .sweep(now, { signInsBefore: before, requestsBefore: before, auditBefore: before })
    .finally(() => {
      isOver = true;
    });
  const reads: number[] = [];
  const writes: number[] = [];
  while (!isOver) {
    reads.push(await timeOf(() => store.sessions.find("0000000000000000000000000000000000000001")));
    writes.push(await timeOf(() => store.counters.count("beside", 60_000, Date.now())));
    await wait(1);
  }
  await sweeping;
  delay.disable();
  const longest = work.end();
  say(name, `sweep of the older half: ${seconds(performance.now() - begun)}`);
  say(
    name,
    `  the serving thread paused for ${ms(delay.max / 1e6)} at most, ${ms(delay.percentile(99) / 1e6)} at the 99th percentile`,
  );
  say(name, `  and worked for ${ms(longest)} at a time at most, in its own processor time`);
  for (const [what, times] of Object.entries({ reads, writes })) {
    const sorted = times.toSorted((one, other) => one - other);
    const at = (share: number) => ms(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    say(
      name,
      `  ${times.length} ${what} beside it: median ${at(0.5)}, 99th ${at(0.99)}, longest ${at(1)}`,
    );
  }
}

/**
 * The longest stretch of work of this thread between two turns of its event loop, in its own
 * processor time: other than a pause, it does not tell of what else the machine does.
 */
function longestWork(): { end(): number } {
  let longest = 0;
  let before = process.threadCpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
  }, 1);
  return {
    end() {
      clearInterval(timer);
      return longest;
    },
  };
}

async function timeOf(step: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await step();
  return performance.now() - begun;
}

function say(name: string, text: string): void {
  console.log(`${name.padEnd(9)} ${text}`);
}

function ms(time: number): string {
  return `${time.toFixed(1)} ms`;
}

function seconds(time: number): string {
  return `${(time / 1_000).toFixed(2)} s`;
}
