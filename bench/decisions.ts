// `node bench/decisions.ts`: how long a decision takes that no cache answers, from the path of a
// request on, with 1,000 applications of ten policies each and 100 groups beside one application
// with the same policies; and how long a gateway with so many takes to start, and its memory then.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { FileCatalogs } from "../packages/gateway/src/analysis/file-catalogs.ts";
import type { Catalog } from "../packages/gateway/src/catalog/catalog.ts";
import { circumstancesOf } from "../packages/gateway/src/catalog/circumstances.ts";
import { matchApplication } from "../packages/gateway/src/catalog/match-application.ts";
import { loadConfig } from "../packages/gateway/src/config/load-config.ts";
import type { Identity } from "../packages/gateway/src/model/model.ts";
import { evaluate } from "../packages/gateway/src/policy/evaluate.ts";
import { median } from "./median.ts";
import { freePorts } from "./process.ts";

const count = { policies: 10, groups: 100, people: 1_000 };
const sizes = [1, 1_000, 1_500];
const rounds = 15;
const decisionsInRound = 20_000;

const [port = 0] = await freePorts(1);
const people = Array.from({ length: count.people }, (_, number) => identityOf(number));
measureDecisions();
await measureStart(1_000);

function measureDecisions(): void {
  const catalogs = sizes.map(catalogWith);
  const times = catalogs.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++)
    for (const [place, catalog] of catalogs.entries()) times[place]?.push(timeOf(catalog, round));
  const base = median(times[0] ?? []);
  console.log("| applications | μs of CPU for a decision | beside one application |");
  console.log("| --- | --- | --- |");
  for (const [place, size] of sizes.entries()) {
    const own = median(times[place] ?? []);
    console.log(`| ${size} | ${own.toFixed(2)} | ${(own / base).toFixed(2)} |`);
  }
}

function catalogWith(applications: number): Catalog {
  const text = configuration(applications);
  return new FileCatalogs().build(loadConfig({ text, file: "f", environment: {} }).config);
}

/** Microseconds of CPU of one decision, each for another person and application. */
function timeOf(catalog: Catalog, round: number): number {
  const { applications } = catalog;
  const start = process.threadCpuUsage();
  let admitted = 0;
  for (let number = 0; number < decisionsInRound; number++) {
    const mixed = Math.imul(number + round, 0x9e37_79b1) >>> 0;
    const host = `app${mixed % applications.length}.localhost`;
    const facts = { clientIp: `10.${mixed % 100}.0.1`, method: "GET", path: "/v1/items", catalog };
    const application = matchApplication(catalog, host, facts.path)?.application;
    const identity = people[mixed % people.length];
    if (application === undefined || identity === undefined) throw new Error(host);
    const principal = { kind: "person" as const, identity };
    const decision = evaluate({
      application,
      principal,
      ...circumstancesOf(facts, application),
    });
    admitted += Number(decision.outcome === "allow");
  }
  if (admitted === 0) throw new Error("nobody was let in");
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / decisionsInRound;
}

/** Ten policies of which each names ten groups; the last lets in the rest of the company. */
function configuration(applications: number): string {
  const groups = Array.from({ length: count.groups }, (_, group) => ({
    ...{ id: `g${group}`, name: `group ${group}` },
    include: Array.from({ length: 10 }, (_, member) => ({
      email: { email: `person${group * 10 + member}@example.com` },
    })),
    require: [{ ip: { ip: "10.0.0.0/8" } }],
  }));
  const policiesOf = (application: number) =>
    Array.from({ length: count.policies }, (_, place) => ({
      ...{ name: `policy ${place}`, decision: "allow" },
      include:
        place === count.policies - 1
          ? [{ email_domain: { domain: "example.com" } }]
          : [0, 1].map((each) => ({ group: { id: `g${(application + place * 7 + each) % 100}` } })),
    }));
  return JSON.stringify({
    auth_domain: `login.localhost:${port}`,
    listen: `127.0.0.1:${port}`,
    store: "sqlite:./postern.db",
    secret_key_file: "./secret.key",
    identity_providers: [
      {
        ...{ id: "corp", name: "Corp", type: "oidc" },
        config: { client_id: "c", issuer: "https://idp.example.com" },
      },
    ],
    ingress: [{ service: "http_status:204" }],
    groups,
    applications: Array.from({ length: applications }, (_, number) => ({
      ...{ id: `app${number}`, name: `Application ${number}`, domain: `app${number}.localhost` },
      policies: policiesOf(number),
    })),
  });
}

function identityOf(number: number): Identity {
  return {
    ...{ email: `person${number}@example.com`, name: `Person ${number}` },
    ...{ idp: { id: "corp", type: "oidc" }, groups: [], oidc_fields: {}, amr: ["pwd"] },
    ...{ ip: "10.0.0.1", country: "", iat: 0 },
  };
}

async function measureStart(applications: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postern-decisions-"));
  try {
    const file = join(folder, "postern.yaml");
    writeFileSync(file, configuration(applications));
    console.log("\n| start | until it answers | CPU until then | resident memory |");
    console.log("| --- | --- | --- | --- |");
    for (const name of ["the first, into an empty store", "another"]) await startOnce(name, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOnce(name: string, file: string): Promise<void> {
  const start = performance.now();
  const cli = join(import.meta.dirname, "../packages/cli/dist/postern.cjs");
  const child = spawn(process.execPath, [cli, "gateway", "--config", file], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    while (!(await answers())) {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
      await wait(20);
    }
    const milliseconds = Math.round(performance.now() - start);
    const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const cpu = (Number(stat[11]) + Number(stat[12])) * 10;
    await wait(1_000);
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const memory = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024);
    console.log(`| ${name} | ${milliseconds} ms | ${cpu} ms | ${memory} MB |`);
  } finally {
    child.kill();
    await ended;
  }
}

/** Whether a stranger at an application is led to the sign-in. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { host: `app1.localhost:${port}` };
    get({ host: "127.0.0.1", port, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 302);
    }).once("error", () => resolve(false));
  });
}
