// The programs that people use, through the gateway: psql and pgbench to a PostgreSQL server, ssh
// and scp to an OpenSSH server, each over a WebSocket as `access tcp` and `access ssh` open one.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  application,
  everybody,
  startAccessFixture,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { freePort } from "../support/free-port.ts";
import { needsPostgres, startPostgres } from "../support/postgres.ts";
import { needsSshd, startSshd } from "../support/sshd.ts";

const client = join(import.meta.dirname, "../support/stream-client.ts");

/** A gateway that leads `db.localhost` and `box.localhost` to these services. */
async function scene(context: TestContext, service: string, name: string) {
  const fixture = await startAccessFixture(context, [application(name, [everybody])], {
    ingress: [{ service }],
  });
  const session = await fixture.fixture.session("terminal");
  const token = await fixture.token(name, undefined, session);
  return { ...fixture, session, token, port: fixture.fixture.port };
}

interface Ended {
  code: number | null;
  output: string;
  errors: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  let [output, errors] = ["", ""];
  child.stdout?.on("data", (piece: Buffer) => {
    output += piece.toString("latin1");
  });
  child.stderr?.on("data", (piece: Buffer) => {
    errors += piece.toString("latin1");
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, errors };
}

function run(program: string, flags: string[], environment: Record<string, string> = {}) {
  return spawn(program, flags, { env: { ...process.env, ...environment } });
}

/** A listener on this machine that leads to the service. */
async function listener(context: TestContext, flags: string[]): Promise<number> {
  const port = await freePort();
  const child = run(process.execPath, [client, ...flags, "--listen", `${port}`]);
  context.after(() => child.kill());
  await once(child.stdout, "data");
  return port;
}

const clientFlags = (port: number, host: string, tokenFile: string) => [
  "--url",
  `ws://127.0.0.1:${port}/`,
  "--host",
  host,
  "--token-file",
  tokenFile,
];

test("psql and pgbench reach a database through the gateway", needsPostgres(), async (context) => {
  const database = await startPostgres(context);
  const { port, token } = await scene(context, `tcp://127.0.0.1:${database.port}`, "db");
  const tokenFile = fileWith(context, token);
  const local = await listener(context, clientFlags(port, "db.localhost", tokenFile));
  const to = ["-h", "127.0.0.1", "-p", `${local}`, "-U", "postgres"];

  const answer = await ended(run("psql", [...to, "-Atc", "select repeat('x', 1000000)"]));
  assert.equal(answer.code, 0, answer.errors);
  assert.equal(answer.output, `${"x".repeat(1_000_000)}\n`);

  const made = await ended(run("pgbench", [...to, "-i", "-q", "-s", "1", "postgres"]));
  assert.equal(made.code, 0, made.errors);
  const bench = ["-c", "10", "-j", "2", "-t", "20", "postgres"];
  const benched = await ended(run("pgbench", [...to, ...bench]));
  assert.equal(benched.code, 0, benched.errors);
  assert.match(benched.output, /number of transactions actually processed: 200\/200/);
  assert.match(benched.output, /number of failed transactions: 0/);
});

test(
  "the end of a session ends psql in the middle of its work",
  needsPostgres(),
  async (context) => {
    const database = await startPostgres(context);
    const { fixture, port, session, token } = await scene(
      context,
      `tcp://127.0.0.1:${database.port}`,
      "db",
    );
    const tokenFile = fileWith(context, token);
    const local = await listener(context, clientFlags(port, "db.localhost", tokenFile));
    const to = ["-h", "127.0.0.1", "-p", `${local}`, "-U", "postgres"];
    const script = "select 'ready'; select pg_sleep(600);";
    const psql = run("psql", [...to, "-At", "-c", "select 'ready'", "-c", script]);
    const end = ended(psql);
    await once(psql.stdout, "data");

    await fixture.parts.sessions.end(session.id);
    const { code, errors } = await end;
    assert.notEqual(code, 0);
    assert.match(errors, /server closed the connection unexpectedly/);
  },
);

for (const halfClose of [false, true]) {
  const how = halfClose ? "with postern.tcp.v1" : "as the official client carries them";
  test(`ssh and scp reach a machine through the gateway, ${how}`, needsSshd(), async (context) => {
    const sshd = await startSshd(context);
    const { port, token } = await scene(context, `ssh://127.0.0.1:${sshd.port}`, "box");
    const tokenFile = fileWith(context, token);
    const proxy = [process.execPath, client, ...clientFlags(port, "box.localhost", tokenFile)];
    if (halfClose) proxy.push("--half-close");
    const flags = [
      ...sshd.clientOptions,
      ...["-i", sshd.identityFile],
      ...["-o", `ProxyCommand=${proxy.join(" ")}`],
    ];
    const target = `${sshd.user}@box.localhost`;

    // 1. A command, its output and its exit status.
    const command = await ended(run("ssh", [...flags, target, "echo $((6 * 7)); exit 3"]));
    assert.deepEqual([command.code, command.output], [3, "42\n"], command.errors);

    // 2. What is sent until there is no more, and answered then.
    const counter = run("ssh", [...flags, target, "wc -c"]);
    counter.stdin.end(Buffer.alloc(3_000_000, "x"));
    assert.equal((await ended(counter)).output.trim(), "3000000");

    // 3. A file there and back.
    const file = join(temporaryFolder(context), "file");
    writeFileSync(file, randomBytes(20_000_000));
    const there = await ended(run("scp", ["-q", ...flags, file, `${target}:${file}.there`]));
    assert.equal(there.code, 0, there.errors);
    const back = await ended(
      run("scp", ["-q", ...flags, `${target}:${file}.there`, `${file}.back`]),
    );
    assert.equal(back.code, 0, back.errors);
    assert.equal(hashOf(`${file}.back`), hashOf(file));
  });
}

function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** A file of this test's own. */
function fileWith(context: TestContext, text: string): string {
  const file = join(temporaryFolder(context), "token");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-tcp-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
