// A PostgreSQL server of one test's own: its data in a temporary folder, on a free port of
// 127.0.0.1, as a user who may run it.
import { execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "./free-port.ts";
import { leaveOut, needs } from "./requirements.ts";
import { until } from "./until.ts";

const versions = "/usr/lib/postgresql";

/** Options for a test that runs such a server and its clients. */
export function needsPostgres(): { skip?: string } {
  if (binaries() === undefined) return leaveOut("PostgreSQL");
  return needs("psql", "pgbench");
}

export interface Postgres {
  port: number;
}

/** Starts one. Its superuser `postgres` needs no password. */
export async function startPostgres(context: TestContext): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "postern-postgres-"));
  const port = await freePort();
  const user = unprivileged();
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid);
  const data = join(folder, "data");
  const program = (name: string) => join(binaries() ?? "", name);
  execFileSync(program("initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-N"], {
    ...user,
    cwd: folder,
    stdio: "ignore",
  });
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "off",
    max_connections: "100",
  };
  const server = spawn(
    program("postgres"),
    [
      "-D",
      data,
      "-p",
      `${port}`,
      ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`]),
    ],
    { ...user, cwd: folder, stdio: "ignore" },
  );
  context.after(async () => {
    if (server.exitCode === null) {
      server.kill("SIGQUIT");
      await new Promise((resolve) => server.once("exit", resolve));
    }
    rmSync(folder, { recursive: true, force: true });
  });
  await until(() => answers(port));
  return { port };
}

function answers(port: number): boolean {
  try {
    const options = ["-h", "127.0.0.1", "-p", `${port}`, "-U", "postgres"];
    execFileSync(join(binaries() ?? "", "pg_isready"), options, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function binaries(): string | undefined {
  if (!existsSync(versions)) return undefined;
  const folders = readdirSync(versions).map((version) => join(versions, version, "bin"));
  return folders.findLast((folder) => existsSync(join(folder, "initdb")));
}

/** PostgreSQL refuses to run as root; Debian's package has a user for it. */
function unprivileged(): Pick<SpawnOptions, "uid" | "gid"> {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"]).toString());
  return { uid: id("-u"), gid: id("-g") };
}
