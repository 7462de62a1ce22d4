// `node bench/replay.ts [ROWS]`: `postern replay` over a store with a million recorded decisions
// of 30 days, as a gateway writes them: the wall time of the command, its CPU time, and the most
// memory that it had. The policies that are asked differ from those that decided in one place.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileCatalogs } from "../packages/gateway/src/analysis/file-catalogs.ts";
import { loadConfig } from "../packages/gateway/src/config/load-config.ts";
import type { Application, Identity, Principal } from "../packages/gateway/src/model/model.ts";
import type { Subject } from "../packages/gateway/src/model/rules/rule.ts";
import type { AccessEvent } from "../packages/gateway/src/observe/access-event.ts";
import { rowOf } from "../packages/gateway/src/observe/access-rows.ts";
import { DecisionRecorder } from "../packages/gateway/src/policy/decision-record.ts";
import { evaluate } from "../packages/gateway/src/policy/evaluate.ts";
import type { NewAccessEvent } from "../packages/gateway/src/storage/access-log.ts";
import { openStore } from "../packages/gateway/src/storage/open-store.ts";

const rows = Number(process.argv[2] ?? 1_000_000);
const days = 30;
const counts = { applications: 20, people: 2_000, addresses: 500, paths: 200 };
const rowsAtOnce = 4_096;

const folder = mkdtempSync(join(tmpdir(), "postern-replay-"));
const file = join(folder, "postern.yaml");
const changed = join(folder, "new.yaml");
try {
  writeFileSync(file, configuration("partner.example"));
  writeFileSync(changed, configuration("other.example"));
  const filling = performance.now();
  await fill();
  console.log(`${rows} rows written in ${seconds(performance.now() - filling)}`);
  console.log("| | wall time | CPU time | most memory |");
  console.log("| --- | --- | --- | --- |");
  await measure("the same policies", file);
  await measure("a group changed", changed);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Twenty applications for staff, a partner, programs and readers. */
function configuration(partner: string): string {
  const applications = Array.from({ length: counts.applications }, (_, place) => ({
    id: `app${place}`,
    name: `Application ${place}`,
    domain: `app${place}.localhost`,
    policies: [
      { name: "programs", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
      { name: "nobody", decision: "deny", include: [{ email: { email: "person7@example.com" } }] },
      { name: "staff", decision: "allow", include: [{ group: { id: "staff" } }] },
      {
        ...{ name: "readers", decision: "allow", include: [{ group: { id: "partners" } }] },
        require: [{ method: { method: "GET" } }, { ip: { ip: "10.0.0.0/9" } }],
      },
    ],
  }));
  return JSON.stringify({
    auth_domain: "login.localhost:8600",
    listen: "127.0.0.1:8600",
    store: "sqlite:./postern.db",
    secret_key_file: "./secret.key",
    log: { requests: "decisions" },
    ingress: [{ service: "http_status:404" }],
    identity_providers: [
      {
        ...{ id: "corp", name: "Corp", type: "oidc" },
        config: { client_id: "c", issuer: "https://idp.example.com" },
      },
    ],
    service_tokens: [
      { id: "deploy", name: "Deploy", client_id: "deploy.access", client_secret: "s".repeat(40) },
    ],
    groups: [
      { id: "staff", name: "Staff", include: [{ email_domain: { domain: "example.com" } }] },
      { id: "partners", name: "Partners", include: [{ email_domain: { domain: partner } }] },
    ],
    applications,
  });
}

async function fill(): Promise<void> {
  const store = await openStore(join(folder, "postern.db"), randomBytes);
  try {
    const { config } = loadConfig({
      text: readFileSync(file, "utf8"),
      file,
      environment: {},
    });
    const { applications } = new FileCatalogs().build(config);
    const recorder = new DecisionRecorder();
    const start = Date.now() - days * 24 * 3_600_000 + 60_000;
    const step = (days * 24 * 3_600_000 - 120_000) / rows;
    for (let first = 0; first < rows; first += rowsAtOnce) {
      const batch: NewAccessEvent[] = [];
      for (let row = first; row < Math.min(first + rowsAtOnce, rows); row++)
        batch.push(rowAt(row, Math.floor(start + row * step), applications, recorder));
      await store.accessLog.add(batch);
    }
  } finally {
    await store.close();
  }
}

/** One request in twenty is a sign-in, and one in ten a program's. */
function rowAt(
  row: number,
  time: number,
  applications: readonly Application[],
  recorder: DecisionRecorder,
): NewAccessEvent {
  const mixed = Math.imul(row, 0x9e37_79b1) >>> 0;
  const application = applications[mixed % applications.length] as Application;
  const isSignIn = row % 20 === 0;
  const isProgram = row % 10 === 1;
  const person = identityOf(mixed % counts.people);
  const principal: Principal = isProgram
    ? { kind: "service", tokenId: "deploy", clientId: "deploy.access" }
    : { kind: "person", identity: person };
  const place = mixed % counts.addresses;
  const ip = `10.${place % 256}.0.${1 + (place % 200)}`;
  const request = {
    method: row % 7 === 0 ? "POST" : "GET",
    path: `/v1/items/${mixed % counts.paths}`,
  };
  const subject: Subject = {
    ...{ principal, ip, country: undefined },
    request: isSignIn ? "awaited" : request,
  };
  const decision = evaluate({ application, ...subject });
  const event: AccessEvent = {
    action: isSignIn ? "login" : "request",
    outcome: decision.outcome,
    ray: row.toString(16).padStart(16, "0"),
    ip,
    country: "",
    application,
    userAgent: "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
    isProgram,
    question: { application, subject: () => subject, decision },
    ...(isProgram
      ? { serviceToken: "deploy" }
      : {
          person: { email: person.email, user: person.email },
          provider: { id: "corp", type: "oidc" },
        }),
    ...(isSignIn
      ? {}
      : { request: { ...request, host: application.domains[0] ?? "" }, status: 200 }),
    ...("policy" in decision ? { policy: decision.policy } : {}),
  } as AccessEvent;
  return rowOf(event, time, recorder);
}

function identityOf(number: number): Identity {
  const domain = number % 10 === 0 ? "partner.example" : "example.com";
  return {
    ...{ email: `person${number}@${domain}`, name: `Person ${number}` },
    ...{ idp: { id: "corp", type: "oidc" }, groups: ["eng"], oidc_fields: {}, amr: ["pwd"] },
    ...{ ip: "10.0.0.1", country: "", iat: 0 },
  };
}

async function measure(name: string, policies: string): Promise<void> {
  const cli = join(import.meta.dirname, "../packages/cli/dist/postern.cjs");
  const start = performance.now();
  const args = [cli, "replay", "--config", file, "--policies", policies, "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const output: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  const usage = { memory: 0, cpu: 0 };
  const watch = setInterval(() => {
    const { memory, cpu } = usageOf(child.pid ?? 0) ?? usage;
    usage.memory = Math.max(usage.memory, memory);
    usage.cpu = Math.max(usage.cpu, cpu);
  }, 50);
  const [status] = await once(child, "close");
  clearInterval(watch);
  if (status !== 0) throw new Error(`replay ended with ${status}`);
  const result = JSON.parse(Buffer.concat(output).toString());
  console.log(
    `| ${name}: ${result.same} the same, ${result.unknown} unknown | ${seconds(performance.now() - start)} | ${seconds(usage.cpu)} | ${Math.round(usage.memory / 1024)} MB |`,
  );
}

/** Kilobytes at most, and milliseconds so far; undefined where it has ended. */
function usageOf(pid: number): { memory: number; cpu: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const times = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const ticks = Number(times[11]) + Number(times[12]);
    // A process that ends has no memory any more.
    return { memory: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0), cpu: ticks * 10 };
  } catch {
    return undefined;
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
