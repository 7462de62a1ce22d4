// An agent uses the API and cannot read the credential: root in a sandbox that has one socket of
// the machine, and nothing else of it, looks wherever it can (docs/agents.md).
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readAppUrl } from "../../packages/cli/src/app-url.ts";
import { writeAppToken } from "../../packages/cli/src/store/token-store.ts";
import { surroundings } from "../../packages/cli/test/support/context.ts";
import { startPostern, watchProcess } from "../support/cli.ts";
import { simpleSections, startGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-request.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { signIn } from "../support/sign-in.ts";
import { startUpstream } from "../support/upstream.ts";

const host = "app.localhost";
const scripts = join(import.meta.dirname, "../support/sandbox");
const namespaces = [
  "--user",
  "--map-root-user",
  "--mount",
  "--pid",
  "--net",
  "--fork",
  "--kill-child",
];

/** Whether this system lets a user make namespaces, and mount in them. */
function needsNamespaces(): { skip?: string } {
  const programs = needs("unshare", "pivot_root", "curl", "python3");
  if (programs.skip !== undefined) return programs;
  const mounts = "mount -t tmpfs tmpfs /mnt && mount -t proc proc /proc";
  const trial = spawnSync("unshare", [...namespaces, "sh", "-c", mounts]);
  return leaveOut(trial.status === 0 ? undefined : "the right to make user and mount namespaces");
}

interface Report {
  echo: string;
  reserved: Record<string, string[]>;
  withAssertion: string;
  processes: number;
  network: number;
  found: Record<"memory" | "environment" | "proc" | "files" | "traffic", string[]>;
}

/** `access http` on a socket, as a person starts it, and a session that it uses. */
async function served(context: TestContext) {
  const upstream = await startUpstream();
  const gateway = await startGateway({ sections: simpleSections(upstream.origin) });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const cli = surroundings(context);
  const { origin } = readAppUrl(gateway.origin(host));
  const { session, token } = await signIn(gateway);
  writeAppToken(cli, {
    team: gateway.team,
    origin,
    aud: gateway.aud(host),
    app_hostname: host,
    token,
    email: "ada@example.com",
    expires_at: Math.floor(Date.now() / 1000) + 3600,
    checked_at: 0,
  });
  const directory = mkdtempSync(join(tmpdir(), "postern-sandbox-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const socket = join(directory, "app.sock");
  const command = ["access", "http", origin, "--url", `unix:${socket}`, "--json"];
  const proxy = startPostern(command, { POSTERN_HOME: cli.home });
  context.after(() => proxy.child.kill("SIGKILL"));
  const [ready] = await proxy.until(/^\{.*\}$/m);
  assert.deepEqual(JSON.parse(ready), { event: "ready", application: origin, socket });
  return { upstream, gateway, session, token, socket, proxy };
}

test(
  "root in a sandbox with the socket alone uses the API and finds no credential anywhere",
  needsNamespaces(),
  async (context) => {
    const { upstream, gateway, session, token, socket, proxy } = await served(context);
    upstream.answerWith((request, response) => {
      response.setHeader("Content-Type", "text/plain");
      if (request.url === "/events") response.write("x");
      else response.end(JSON.stringify(request.rawHeaders));
    });
    const root = mkdtempSync(join(tmpdir(), "postern-root-"));
    context.after(() => rmSync(root, { recursive: true, force: true }));
    const enter = ["sh", join(scripts, "enter.sh"), root, socket, join(scripts, "search.py")];
    const sandbox = watchProcess(spawn("unshare", [...namespaces, ...enter]));
    context.after(() => sandbox.child.kill("SIGKILL"));
    const [text] = await sandbox.until(/^\{"echo".*\}$/m);
    const report = JSON.parse(text) as Report;

    // 1. It uses the API, and has nothing else of the machine.
    assert.match(report.echo, /^HTTP\/1\.1 200 /);
    assert.match(report.echo, /X-Mine/);
    assert.notEqual(report.network, 0);
    assert.ok(report.processes < 10, "it sees its own processes alone");

    // 2. It finds no credential. The search does find what is there: a decoy, and the assertion
    //    that the origin echoes.
    const [assertion = ""] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(report.echo) ?? [];
    const { memory, environment, proc, files, traffic } = report.found;
    const isDecoy = (each: string) => each.startsWith("eyJkZWNveSI6dHJ1ZX0.");
    assert.ok(memory.some(isDecoy) && environment.some(isDecoy), "the search works");
    assert.ok(traffic.includes(assertion) && memory.includes(assertion), "in memory as well");
    const signature = token.split(".")[2] ?? "";
    for (const [where, tokens] of Object.entries(report.found)) {
      assert.ok(!JSON.stringify(tokens).includes(signature), where);
      const others = tokens.filter((each) => !isDecoy(each) && !each.startsWith(assertion));
      assert.deepEqual(others, [], where);
    }
    assert.deepEqual(
      [proc, files].flat().filter((each) => !isDecoy(each)),
      [],
    );
    assert.ok(!sandbox.stdout().includes(signature));

    // 3. Nothing takes the assertion for a credential, and what mints or shows one is refused.
    const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", [
      `Host: ${host}:${gateway.port}`,
      `cf-access-token: ${assertion}`,
    ]);
    assert.equal(status, 401);
    for (const [name, statuses] of Object.entries(report.reserved))
      assert.deepEqual(statuses, ["403", "403", "403"], name);
    assert.equal(report.withAssertion, "200", "its own credential is dropped, and ours serves");

    // 4. The end of the session stops the next call.
    const before = upstream.requests.length;
    await gateway.parts.sessions.end(session.id);
    sandbox.child.stdin.write("again\n");
    const [answer] = await sandbox.until(/^\{"status".*\}$/m);
    assert.deepEqual(JSON.parse(answer), { status: "401" });
    assert.equal(upstream.requests.length, before);
    sandbox.child.stdin.end();
    await sandbox.ended;

    // 5. The socket ends with the command.
    proxy.child.kill("SIGTERM");
    assert.equal(await proxy.ended, 0, proxy.stderr());
    assert.equal(spawnSync("test", ["-e", socket]).status, 1);
  },
);
