// `node bench/slow-disk.ts`: how many authenticated requests a gateway answers while people sign in
// beside them, on disks whose syncs take longer. Quiet seconds and seconds with sign-ins take
// turns. Needs wrk and a C compiler, and ends by itself after about a minute.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slowDisk } from "../test/support/slow-disk.ts";
import type { Run } from "./load/run.ts";
import { wrk } from "./load/wrk.ts";
import { median } from "./median.ts";
import { freePorts, onCore } from "./process.ts";
import type { Answer, Order } from "./slow-disk-gateway.ts";

const delays = [0, 10, 50, 200];
const rounds = 5;
const seconds = 1;
const program = join(import.meta.dirname, "slow-disk-gateway.ts");

console.log("| syncs longer by ms | quiet req/s | with sign-ins | × quiet | p99 ms | sign-ins |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const delay of delays) await row(delay);

async function row(delay: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postern-slow-disk-"));
  const [port = 0] = await freePorts(1);
  const gateway = startGateway(folder, port, delay);
  try {
    const { token } = (await answerOf(gateway)) as { token: string };
    const headers = { Host: "app.localhost", "cf-access-token": token };
    const request = () => wrk({ port, path: "/", headers }, 0, { seconds });
    const quiet: number[] = [];
    const busy: number[] = [];
    const p99: number[] = [];
    let signIns = 0;
    await request();
    for (let round = 0; round < rounds; round++) {
      quiet.push(rateOf(await request()));
      send(gateway, "begin");
      const result = await request();
      send(gateway, "end");
      busy.push(rateOf(result));
      p99.push(result.p99 ?? Number.NaN);
      signIns += ((await answerOf(gateway)) as { signIns: number }).signIns;
    }
    const ratio = (median(busy) / median(quiet)).toFixed(2);
    console.log(
      `| ${delay} | ${median(quiet).toFixed(0)} | ${median(busy).toFixed(0)} | ${ratio} | ${median(p99).toFixed(1)} | ${signIns} |`,
    );
  } finally {
    gateway.disconnect();
    await once(gateway, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
}

function rateOf({ requests, seconds }: Run): number {
  return requests / seconds;
}

function startGateway(folder: string, port: number, delay: number): ChildProcess {
  const file = join(folder, "postern.yaml");
  writeFileSync(file, configuration(port));
  const [command, args] = onCore("proxy", process.execPath, [program, file]);
  return spawn(command, args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...process.env, ...slowDisk(folder, delay).environment },
  });
}

async function answerOf(gateway: ChildProcess): Promise<Answer> {
  const [answer] = await once(gateway, "message");
  return answer;
}

function send(gateway: ChildProcess, order: Order): void {
  gateway.send(order);
}

function configuration(port: number): string {
  return JSON.stringify({
    auth_domain: "login.localhost",
    listen: `127.0.0.1:${port}`,
    public_ports: [80],
    store: "sqlite:./postern.db",
    secret_key_file: "./secret.key",
    ingress: [{ service: "http_status:200" }],
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }],
    applications: [
      {
        name: "App",
        domain: "app.localhost",
        policies: [
          {
            name: "people",
            decision: "allow",
            include: [{ email_domain: { domain: "example.com" } }],
          },
        ],
      },
    ],
  });
}
