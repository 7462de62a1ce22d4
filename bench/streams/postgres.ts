// pgbench against a PostgreSQL of this run: short transactions that only read, on eight
// connections.
import { chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, startServer } from "../process.ts";
import { runProgram } from "../run-program.ts";
import type { Stage } from "../stage.ts";
import { accessContenders } from "./access-stream.ts";
import { compareInTurns, type Work } from "./compare.ts";
import { type Finding, half } from "./report.ts";
import { tcpContenders } from "./tcp.ts";

const rounds = 3;
const seconds = 3;
const connections = 8;
const user = "bench";
const plain = { PGSSLMODE: "disable" };

/** Through the gateway alone. */
export function postgres(stage: Stage): Promise<Finding[]> {
  return compare(stage, "pgbench", tcpContenders);
}

/** The whole way of `access tcp`. */
export function postgresByAccess(stage: Stage): Promise<Finding[]> {
  return compare(stage, "access tcp, pgbench", accessContenders);
}

async function compare(
  stage: Stage,
  name: string,
  start: typeof tcpContenders,
): Promise<Finding[]> {
  const port = await startPostgres(stage);
  await runProgram("pgbench", [...clientArgs(port), "-i", "-q"], { env: plain });
  const contenders = await start(stage, "tcp", port, transact);
  return [
    {
      kind: "comparison",
      title: `${name} -S, ${connections} connections`,
      unit: { name: "transactions", cost: "μs" },
      results: await compareInTurns(contenders, rounds),
      promise: half,
    },
  ];
}

async function transact(port: number): Promise<Work> {
  const size = ["-c", String(connections), "-T", String(seconds)];
  const args = [...clientArgs(port), "-S", "-n", ...size];
  const report = await runProgram("pgbench", args, { env: plain });
  const failures = Number(/number of failed transactions: (\d+)/.exec(report)?.[1]);
  if (failures !== 0) throw new Error(`pgbench: ${failures} transactions failed`);
  const units = Number(/actually processed: (\d+)/.exec(report)?.[1]);
  return { units, seconds: units / Number(/tps = ([\d.]+)/.exec(report)?.[1]) };
}

function clientArgs(port: number): string[] {
  return ["-h", "127.0.0.1", "-p", String(port), "-U", user, "postgres"];
}

/** @returns the port of a database that forgets everything with the scenario */
async function startPostgres(stage: Stage): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "postern-postgres-"));
  stage.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const run = await asDatabaseOwner(folder);
  const [version] = readdirSync("/usr/lib/postgresql").toSorted().reverse();
  const bin = `/usr/lib/postgresql/${version}/bin`;
  const data = join(folder, "data");
  const [initdb, initdbArgs] = run(`${bin}/initdb`, ["-D", data, "-U", user, "-A", "trust"]);
  await runProgram(initdb, initdbArgs, { cwd: folder });
  const [port = 0] = await freePorts(1);
  const settings = ["fsync=off", "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
  const options = settings.flatMap((setting) => ["-c", setting]);
  const [server, args] = run(`${bin}/postgres`, ["-D", data, "-p", String(port), ...options]);
  await stage.keep(startServer("load", server, args, { ready: /ready to accept connections/ }));
  return port;
}

type CommandLine = [string, string[]];

/** PostgreSQL does not run as root: then it is the account that Debian made for it. */
async function asDatabaseOwner(
  folder: string,
): Promise<(command: string, args: string[]) => CommandLine> {
  if (process.getuid?.() !== 0) return (command, args) => [command, args];
  const [uid, gid] = (await runProgram("sh", ["-c", "id -u postgres; id -g postgres"])).split("\n");
  chownSync(folder, Number(uid), Number(gid));
  const drop = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return (command, args) => ["setpriv", [...drop, command, ...args]];
}
