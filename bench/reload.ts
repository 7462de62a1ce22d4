// `node bench/reload.ts`: a gateway with 1,000 applications of ten policies each and 100 groups
// reads its file again after one application, or one group that all use, has changed. Prints how
// long the serving thread was blocked at a time, and how many of the requests during it failed.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./median.ts";
import { freePorts } from "./process.ts";
import type { Measured, Way } from "./reload-gateway.ts";
import { Traffic } from "./traffic.ts";

const rounds = 7;
const count = { applications: 1_000, policies: 10, groups: 100 };

const folder = mkdtempSync(join(tmpdir(), "postern-reload-"));
const file = join(folder, "postern.yaml");
const [port = 0] = await freePorts(1);
const program = join(import.meta.dirname, "reload-gateway.ts");

writeFileSync(file, configuration({ version: 0, member: "ada" }));
const gateway = fork(program, [file], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
try {
  await once(gateway, "message");
  const { applications, policies, groups } = count;
  console.log(
    `${applications} applications × ${policies} policies × ${groups} groups, ${rounds} reloads each\n`,
  );
  console.log(
    "| changed | read | longest block: ms of CPU, ms by the clock (median, worst) | reload ms | failed requests |",
  );
  console.log("| --- | --- | --- | --- | --- |");
  await row("nothing", "not at all", () => ({ version: 0, member: "ada" }));
  await row("one application", "in a thread", (version) => ({ version, member: "ada" }));
  await row("nothing", "in a thread", () => ({ version: rounds, member: "ada" }));
  await row("a group that all use", "in a thread", (version) => ({
    version: rounds,
    member: `ada${version}`,
  }));
  await row("one application", "at once", (version) => ({ version, member: `ada${rounds}` }));
} finally {
  gateway.disconnect();
  await once(gateway, "exit");
  rmSync(folder, { recursive: true, force: true });
}

async function row(
  changed: string,
  way: Way,
  stateOf: (version: number) => FileState,
): Promise<void> {
  const traffic = new Traffic(port, count.applications);
  const results: Measured[] = [];
  for (let version = 1; version <= rounds; version++) {
    writeFileSync(file, configuration(stateOf(version)));
    results.push(await reload(gateway, way));
  }
  const { failed, total } = await traffic.end();
  const work = figures(results.map(({ longestWork }) => longestWork));
  const block = figures(results.map(({ longestBlock }) => longestBlock));
  const duration = median(results.map((each) => each.duration)).toFixed(0);
  console.log(`| ${changed} | ${way} | ${work}; ${block} | ${duration} | ${failed} of ${total} |`);
}

function figures(values: readonly number[]): string {
  return `${median([...values]).toFixed(1)} (${Math.max(...values).toFixed(1)})`;
}

async function reload(child: ChildProcess, way: Way): Promise<Measured> {
  child.send(way);
  const [measured] = await once(child, "message");
  return measured;
}

interface FileState {
  /** changes one application */
  version: number;
  /** who is in the group that every application uses */
  member: string;
}

function configuration({ version, member }: FileState): string {
  const groups = Array.from({ length: count.groups }, (_, index) => ({
    name: `group ${index}`,
    include: [{ email: { email: `${member}@team${index}.example.com` } }],
    exclude: [{ email: { email: `former@team${index}.example.com` } }],
  }));
  const policies = Array.from({ length: count.policies - 1 }, (_, index) => ({
    name: `people ${index}`,
    decision: "allow",
    include: [
      { group: { name: `group ${index * 7}` } },
      { email_domain: { domain: `team${index}.example.com` } },
    ],
    require: [{ ip: { ip: `10.${index}.0.0/16` } }],
  }));
  const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
  const applications = Array.from({ length: count.applications }, (_, index) => ({
    name: `app ${index}`,
    domain: `app${index}.localhost`,
    session_duration: index === 500 ? `${version + 1}h` : "24h",
    policies: [...policies, open],
  }));
  return JSON.stringify(
    {
      auth_domain: "login.localhost",
      listen: `127.0.0.1:${port}`,
      public_ports: [80],
      store: "sqlite:./postern.db",
      secret_key_file: "./secret.key",
      ingress: [{ service: "http_status:204" }],
      groups,
      applications,
    },
    null,
    1,
  );
}
