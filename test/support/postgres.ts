// A PostgreSQL server of one test's own: its data in a temporary folder, on a free port of
// 127.0.0.1, as a user who may run it.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostgresAddress } from "../../packages/gateway/src/store-address.ts";
import { freePort } from "./free-port.ts";
import { leaveOut, needs } from "./requirements.ts";
import { until } from "./until.ts";

const versions = "/usr/lib/postgresql";

/** Options for a test that runs such a server. */
export function needsPostgresServer(): { skip?: string } {
  return leaveOut(binaries() === undefined ? "PostgreSQL" : undefined);
}

/** Options for a test that runs such a server and its clients. */
export function needsPostgres(): { skip?: string } {
  if (binaries() === undefined) return needsPostgresServer();
  return needs("psql", "pgbench");
}

export interface Postgres {
  /** the folder of its Unix socket */
  folder: string;
  port: number;
  /** what a gateway's store is, in a database of the server */
  address(database?: string): PostgresAddress;
  /** The same, as `store` of a configuration. */
  url(database?: string): string;
  /** Runs statements as the superuser, in the database `postgres` or another. */
  run(sql: string, database?: string): string;
  /** Ends it and its connections, as a power cut does, or as an operator does. */
  stop(how: "SIGKILL" | "SIGINT"): Promise<void>;
  /** Starts it again, with the same data at the same address. */
  start(): Promise<void>;
}

interface ServerOptions {
  /** where it listens beside its socket; default: 127.0.0.1 */
  listenAddress?: string;
  settings?: Readonly<Record<string, string>>;
}

/** Starts one. Its superuser `postgres` needs no password. */
export async function startPostgres(
  context: { after(end: () => Promise<void>): void },
  options: ServerOptions = {},
): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "postern-postgres-"));
  const port = await freePort();
  const user = unprivileged();
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid);
  const server = new Server({ folder, port, user, options });
  server.initialize();
  context.after(async () => {
    await server.stop("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  });
  await server.start();
  return {
    folder,
    port,
    address: (database = "postgres") => ({ host: folder, port, database, user: "postgres" }),
    url: (database = "postgres") => `postgres://postgres@:${port}/${database}?host=${folder}`,
    run: (sql, database = "postgres") => server.run(sql, database),
    stop: (how) => server.stop(how),
    start: () => server.start(),
  };
}

interface ServerParts {
  folder: string;
  port: number;
  user: ReturnType<typeof unprivileged>;
  options: ServerOptions;
}

class Server {
  readonly #parts: ServerParts;
  #process: ChildProcess | undefined;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  initialize(): void {
    const { folder, user } = this.#parts;
    const flags = ["-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"];
    execFileSync(program("initdb"), ["-D", this.#data, ...flags], {
      ...user,
      cwd: folder,
      stdio: "ignore",
    });
    const network = "host all all 10.0.0.0/8 trust\n";
    appendFileSync(join(this.#data, "pg_hba.conf"), network);
  }

  async start(): Promise<void> {
    const { folder, port, user, options } = this.#parts;
    const settings = {
      listen_addresses: options.listenAddress ?? "127.0.0.1",
      unix_socket_directories: folder,
      fsync: "off",
      max_connections: "100",
      ...options.settings,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const server = spawn(program("postgres"), ["-D", this.#data, "-p", `${port}`, ...flags], {
      ...user,
      cwd: folder,
      stdio: "ignore",
    });
    this.#process = server;
    await until(() => answers(folder, port));
  }

  async stop(how: NodeJS.Signals): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill(how);
    await ended;
  }

  run(sql: string, database: string): string {
    const { folder, port } = this.#parts;
    const to = ["-h", folder, "-p", `${port}`, "-U", "postgres", "-d", database];
    return execFileSync(program("psql"), [
      ...to,
      "-XAtqv",
      "ON_ERROR_STOP=1",
      "-c",
      sql,
    ]).toString();
  }

  get #data(): string {
    return join(this.#parts.folder, "data");
  }
}

function program(name: string): string {
  return join(binaries() ?? "", name);
}

function answers(folder: string, port: number): boolean {
  try {
    const options = ["-h", folder, "-p", `${port}`, "-U", "postgres"];
    execFileSync(program("pg_isready"), options, { stdio: "ignore" });
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
