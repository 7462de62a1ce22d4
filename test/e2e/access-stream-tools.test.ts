// The programs that people use, through the built command line: psql and pgbench to a PostgreSQL
// server, ssh and scp to an OpenSSH server, on the newest Node and on the oldest.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bin } from "../../packages/cli/test/support/terminal.ts";
import { watchProcess } from "../support/cli.ts";
import { findNode20 } from "../support/node-20.ts";
import { needsPostgres, startPostgres } from "../support/postgres.ts";
import { leaveOut } from "../support/requirements.ts";
import { needsSshd, startSshd } from "../support/sshd.ts";
import { ended, runTool, streamScene } from "./access-stream-fixture.ts";

const oldNode = findNode20();
const nodes = [
  { version: "Node 24", node: process.execPath, requirements: {} },
  {
    version: "Node 20",
    node: oldNode ?? "",
    requirements: oldNode === undefined ? leaveOut("Node 20") : {},
  },
];

for (const { version, node, requirements } of nodes) {
  test(`psql and pgbench reach a database through access tcp, on ${version}`, {
    ...needsPostgres(),
    ...requirements,
  }, async (context) => {
    const database = await startPostgres(context);
    const { person, host } = await streamScene(context, `tcp://127.0.0.1:${database.port}`);
    const args = [bin, "access", "tcp", "--hostname", host, "--url", "localhost:0"];
    const running = watchProcess(spawn(node, args, { env: person.environment }));
    context.after(() => running.child.kill("SIGKILL"));
    const [, port = ""] = await running.until(/^Listening on localhost:(\d+) for /m);
    const to = ["-h", "127.0.0.1", "-p", port, "-U", "postgres"];

    const answer = await runTool("psql", [...to, "-Atc", "select repeat('x', 1000000)"]);
    assert.equal(answer.status, 0, answer.errors);
    assert.equal(answer.output, `${"x".repeat(1_000_000)}\n`);

    const initial = await runTool("pgbench", [...to, "-i", "-q", "-s", "1", "postgres"]);
    assert.equal(initial.status, 0, initial.errors);
    const size = ["-c", "10", "-j", "2", "-t", "20", "postgres"];
    const benched = await runTool("pgbench", [...to, ...size]);
    assert.equal(benched.status, 0, benched.errors);
    assert.match(benched.output, /number of transactions actually processed: 200\/200/);
    assert.match(benched.output, /number of failed transactions: 0/);
  });

  test(`ssh and scp reach a machine through access ssh, on ${version}`, {
    ...needsSshd(),
    ...requirements,
  }, async (context) => {
    const sshd = await startSshd(context);
    const { person, host } = await streamScene(context, `ssh://127.0.0.1:${sshd.port}`);
    const proxy = [node, bin, "access", "ssh", "--hostname", host].join(" ");
    const flags = [
      ...sshd.clientOptions,
      ...["-i", sshd.identityFile],
      ...["-o", `ProxyCommand=${proxy}`],
    ];
    const target = `${sshd.user}@db.localhost`;
    const run = (program: string, args: string[], input: Buffer | string = "") =>
      runTool(program, [...flags, ...args], person.environment, input);

    // 1. A command, its output and its exit status.
    const command = await run("ssh", [target, "echo $((6 * 7)); exit 3"]);
    assert.deepEqual([command.status, command.output], [3, "42\n"], command.errors);

    // 2. What is sent until there is no more, and answered then.
    const counted = await run("ssh", [target, "wc -c"], Buffer.alloc(3_000_000, "x"));
    assert.deepEqual([counted.status, counted.output.trim()], [0, "3000000"], counted.errors);

    // 3. A file there and back.
    const file = join(person.directory, "file");
    writeFileSync(file, randomBytes(20_000_000));
    const there = await run("scp", ["-q", file, `${target}:${file}.there`]);
    assert.equal(there.status, 0, there.errors);
    const back = await run("scp", ["-q", `${target}:${file}.there`, `${file}.back`]);
    assert.equal(back.status, 0, back.errors);
    assert.equal(hashOf(`${file}.back`), hashOf(file));
  });
}

test("psql finds a Unix socket by its folder", needsPostgres(), async (context) => {
  const database = await startPostgres(context);
  const { person, host } = await streamScene(context, `tcp://127.0.0.1:${database.port}`);
  const folder = join(person.directory, "postgresql");
  const url = `unix:${join(folder, ".s.PGSQL.5432")}`;
  const running = person.start(["access", "tcp", "--hostname", host, "--url", url]);
  await running.until(/^Listening on unix:/m);
  const answer = await runTool("psql", ["-h", folder, "-U", "postgres", "-Atc", "select 6 * 7"]);
  assert.deepEqual([answer.status, answer.output], [0, "42\n"], answer.errors);
});

test(
  "the end of a session ends psql in the middle of its work, and the listener says why",
  needsPostgres(),
  async (context) => {
    const database = await startPostgres(context);
    const scene = await streamScene(context, `tcp://127.0.0.1:${database.port}`);
    const { running, port } = await scene.listener();
    const to = ["-h", "127.0.0.1", "-p", `${port}`, "-U", "postgres"];
    const work = ["-At", "-c", "select 'ready'", "-c", "select pg_sleep(600)"];
    const psql = spawn("psql", [...to, ...work]);
    const end = ended(psql);
    await once(psql.stdout, "data");

    await scene.fixture.parts.sessions.end(scene.session.id);
    assert.notEqual((await end).status, 0);
    await running.until(/was cut: the gateway ended the connection: Your session has ended/);
  },
);

function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
