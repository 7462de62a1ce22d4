// `node bench/apply.ts [APPLICATIONS]`: configuration as code for 1,000 applications of ten
// policies each, beside 100 groups. How long `postern apply` takes: the first time, with nothing to
// change, and with one application changed; how long it takes until one changed application is in
// force, by the API and by the file of a gateway; and how long a request waits meanwhile.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const applications = Number(process.argv[2] ?? 1_000);
const policiesEach = 10;
const groups = 100;
const runs = 3;
/** Nothing here takes longer, or the measurement is ended. */
const longestMs = 120_000;

const program = join(import.meta.dirname, "../packages/cli/dist/postern.cjs");
const folder = mkdtempSync(join(tmpdir(), "postern-apply-"));
const endings: (() => Promise<void>)[] = [];
setTimeout(() => {
  console.error("this takes too long; ended");
  process.exit(1);
}, 15 * 60_000).unref();

try {
  await measure();
} finally {
  for (const end of endings) await end();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const [port, adminPort, filePort] = [await freePort(), await freePort(), await freePort()];
  console.log(`${applications} applications × ${policiesEach} policies, ${groups} groups`);
  console.log("| | wall time | longest wait of a request meanwhile |");
  console.log("| --- | --- | --- |");

  // 1. By the API.
  const own = join(folder, "api.yaml");
  const admin = { listen: `127.0.0.1:${adminPort}` };
  writeFileSync(own, JSON.stringify({ ...settings(port, "api"), admin }));
  await startGateway(own);
  const create = ["admin-token", "create", "bench", "--permission", "all", "--config", own];
  const token = (await run(create)).trim();
  const url = `http://127.0.0.1:${adminPort}`;
  const objects = join(folder, "objects.yaml");
  const apply = () => run(["apply", objects, "--url", url], { POSTERN_ADMIN_TOKEN: token });

  writeFileSync(objects, text());
  await report("apply, the first time", port, 1, apply);
  await report("apply, nothing to change", port, runs, apply);
  let hours = 0;
  await report("apply, one application changed", port, runs, () => {
    hours++;
    writeFileSync(objects, text(`${hours}h`));
    return apply();
  });
  const send = await apiOf(url, token);
  await report("one application by the API, until it is in force", port, runs, async () => {
    const [found] = await send("GET", "/access/apps?name=App%200&exact=true");
    const isOpen = (await statusAt(port, "app-0.localhost")) === 200;
    const decision = isOpen ? "allow" : "bypass";
    const policies = [{ name: "changed", decision, include: [{ everyone: {} }] }];
    const began = performance.now();
    await send("PUT", `/access/apps/${found.id}`, { ...found, policies });
    while (((await statusAt(port, "app-0.localhost")) === 200) === isOpen) check(began);
    return performance.now() - began;
  });

  // 2. By the file of a gateway.
  const file = join(folder, "file.yaml");
  const write = (first?: object) =>
    writeFileSync(
      file,
      JSON.stringify({ ...settings(filePort, "file"), ...sections("24h", first) }),
    );
  write();
  await startGateway(file);
  let isOpen = false;
  await report("one application in the file, until it is in force", filePort, runs, async () => {
    isOpen = !isOpen;
    const decision = isOpen ? "bypass" : "allow";
    const began = performance.now();
    write({ name: "changed", decision, include: [{ everyone: {} }] });
    while (((await statusAt(filePort, "app-0.localhost")) === 200) !== isOpen) check(began);
    return performance.now() - began;
  });
}

function settings(port: number, name: string): object {
  return {
    auth_domain: `login.localhost:${port}`,
    listen: `127.0.0.1:${port}`,
    store: `sqlite:${join(folder, `${name}.db`)}`,
    secret_key_file: join(folder, `${name}.key`),
    identity_providers: [
      {
        ...{ id: "corp", name: "Corp", type: "oidc" },
        config: { client_id: "bench", issuer: "https://idp.example.test" },
      },
    ],
    ingress: [{ service: "http_status:200" }],
  };
}

function sections(length = "24h", first?: object): object {
  return {
    groups: Array.from({ length: groups }, (_each, index) => ({
      name: `group ${index}`,
      include: [{ email_domain: { domain: `team-${index}.example.com` } }],
    })),
    applications: Array.from({ length: applications }, (_each, index) => ({
      ...{ name: `App ${index}`, domain: `app-${index}.localhost` },
      session_duration: index === 0 ? length : "24h",
      policies: Array.from({ length: policiesEach }, (_policy, place) =>
        index === 0 && place === 0 && first !== undefined
          ? first
          : {
              name: `policy ${place}`,
              decision: "allow",
              include: [{ group: { name: `group ${(index + place) % groups}` } }],
            },
      ),
    })),
  };
}

/** As a person keeps it: YAML in blocks, and a rule on a line. */
function text(length?: string): string {
  const { groups: all, applications: apps } = sections(length) as Record<string, Named[]>;
  const lines = ["groups:"];
  for (const { name, include } of all ?? [])
    lines.push(`  - name: ${name}`, "    include:", `      - ${JSON.stringify(include?.[0])}`);
  lines.push("applications:");
  for (const { name, domain, session_duration, policies } of apps ?? []) {
    lines.push(`  - name: ${name}`, `    domain: ${domain}`);
    lines.push(`    session_duration: ${session_duration}`, "    policies:");
    for (const policy of policies ?? [])
      lines.push(
        `      - name: ${policy.name}`,
        `        decision: ${policy.decision}`,
        "        include:",
        `          - ${JSON.stringify(policy.include?.[0])}`,
      );
  }
  return `${lines.join("\n")}\n`;
}

interface Named {
  name: string;
  domain?: string;
  session_duration?: string;
  decision?: string;
  include?: object[];
  policies?: Named[];
}

/** Measures some runs, with a request after the other meanwhile. @param what may say its time */
async function report(
  name: string,
  port: number,
  times: number,
  what: () => Promise<unknown>,
): Promise<void> {
  const taken: number[] = [];
  let longest = 0;
  let isOver = false;
  const agent = new Agent({ keepAlive: true });
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now();
      await statusAt(port, "nowhere.localhost", agent);
      longest = Math.max(longest, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  for (let turn = 0; turn < times; turn++) {
    const began = performance.now();
    const own = await what();
    taken.push(typeof own === "number" ? own : performance.now() - began);
  }
  isOver = true;
  await asking;
  agent.destroy();
  const median = taken.toSorted((a, b) => a - b)[Math.floor(taken.length / 2)] ?? 0;
  console.log(`| ${name} | ${Math.round(median)} ms | ${Math.round(longest)} ms |`);
}

function check(began: number): void {
  if (performance.now() - began > longestMs) throw new Error("it did not come into force");
}

async function startGateway(file: string): Promise<void> {
  const child = spawn(process.execPath, [program, "gateway", "--config", file]);
  const ended = once(child, "close");
  endings.push(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
      if (said.includes("the gateway is up")) resolve();
    });
    child.on("close", () => reject(new Error(said)));
  });
}

async function run(args: string[], environment: Record<string, string> = {}): Promise<string> {
  const env = { PATH: process.env["PATH"], POSTERN_HOME: folder, ...environment };
  const child = spawn(process.execPath, [program, ...args], { env });
  const [output, said] = [child.stdout, child.stderr].map((stream) => stream.toArray());
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${args[0]}: ${Buffer.concat((await said) ?? [])}`);
  return Buffer.concat((await output) ?? []).toString("utf8");
}

async function apiOf(url: string, token: string) {
  const send = async (method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/client/v4${path}`, {
      ...{ method, headers },
      body: body === undefined ? null : JSON.stringify(body),
    });
    // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
    const { success, result, errors } = (await answer.json()) as any;
    if (!success) throw new Error(JSON.stringify(errors));
    return result;
  };
  const [{ id }] = await send("GET", "/accounts");
  return (method: string, path: string, body?: unknown) =>
    send(method, `/accounts/${id}${path}`, body);
}

function statusAt(port: number, host: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${host}:${port}` };
    const options = { host: "127.0.0.1", port, headers, ...(agent === undefined ? {} : { agent }) };
    request(options, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    })
      .on("error", reject)
      .end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
