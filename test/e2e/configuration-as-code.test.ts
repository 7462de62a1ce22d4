// A gateway's configuration as a file in a repository: exported, compared, applied, by the command
// line to gateways that are processes of their own, over their admin APIs or on the store.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Running, runPostern } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { noteSecrets } from "../support/run-secrets.ts";
import { until } from "../support/until.ts";
import { anOperator, ask, type Operator } from "./gateway-process-fixture.ts";

/** A gateway with its admin API, and whoever administers it. */
interface Administered {
  operator: Operator;
  running: Running;
  url: string;
  token: string;
  /** runs a command with the token in the environment */
  run(...args: string[]): ReturnType<typeof runPostern>;
  /** asks the gateway for a page of a host */
  status(host: string): Promise<number>;
}

async function startAdministered(context: TestContext): Promise<Administered> {
  const port = await freePort();
  const operator = await anOperator(context, {
    admin: { listen: `127.0.0.1:${port}` },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [{ service: "http_status:200" }],
  });
  operator.write({ auth_domain: `login.localhost:${operator.port}` });
  const running = await operator.start();
  const create = ["admin-token", "create", "ci", "--permission", "all", "--config", operator.file];
  const created = await runPostern(create, {});
  assert.equal(created.status, 0, created.stderr);
  const token = created.stdout.trim();
  noteSecrets(token);
  const url = `http://127.0.0.1:${port}`;
  return {
    ...{ operator, running, url, token },
    run: (...args) =>
      runPostern([...args, "--url", url], { POSTERN_ADMIN_TOKEN: token, WIKI_TEAM: "example.com" }),
    async status(host) {
      const options = { port: operator.port, headers: { host: `${host}:${operator.port}` } };
      return (await ask(options)).status;
    },
  };
}

const objects = `
groups:
  - name: team
    include:
      - {email_domain: {domain: "\${env:WIKI_TEAM}"}}
service_tokens:
  - {name: ci, client_id: ci.access, client_secret: "a-secret-of-the-file-that-nobody-prints", duration: 8760h}
applications:
  - name: Wiki
    domain: wiki.localhost
    policies:
      - {name: team, decision: allow, include: [{group: {name: team}}]}
  - name: Status
    domain: status.localhost
    policies:
      - {name: everybody, decision: bypass, include: [{everyone: {}}]}
`;

test("a file is compared, applied and applied again, and another gateway is made of what is exported", async (context) => {
  const [one, two] = [await startAdministered(context), await startAdministered(context)];
  const file = join(one.operator.folder, "objects.yaml");
  writeFileSync(file, objects);

  // 1. What it would change, and that nothing is changed by asking.
  const differs = await one.run("diff", file);
  assert.deepEqual([differs.status, differs.stderr], [1, ""]);
  assert.equal(
    differs.stdout,
    [
      'create group "team"',
      'create service token "ci"',
      'create application "Wiki"',
      'create application "Status"',
      "To create: 4, to update: 0, to delete: 0, unchanged: 0.\n",
    ].join("\n"),
  );
  const trial = await one.run("apply", file, "--dry-run");
  assert.deepEqual([trial.status, trial.stdout], [0, differs.stdout]);
  assert.equal(await one.status("status.localhost"), 403);

  // 2. It is in force with the end of the command.
  const applied = await one.run("apply", file);
  assert.equal(applied.status, 0, applied.stderr);
  assert.match(applied.stdout, /^Created 4, updated 0, deleted 0, unchanged 0\.$/m);
  assert.equal(await one.status("status.localhost"), 200);
  const again = await one.run("apply", file);
  assert.deepEqual(
    [again.status, again.stdout, again.stderr],
    [0, "Nothing to change: 4 objects are as in the file.\n", ""],
  );
  assert.equal((await one.run("diff", file)).status, 0);

  // 3. The same on the store, which a running gateway follows.
  writeFileSync(file, objects.replace("status.localhost", "health.localhost"));
  const onStore = { WIKI_TEAM: "example.com" };
  const moved = await runPostern(["apply", file, "--config", one.operator.file], onStore);
  assert.equal(moved.status, 0, moved.stderr);
  assert.match(moved.stdout, /^ {2}domain: "status\.localhost" -> "health\.localhost"$/m);
  await until(async () => (await one.status("health.localhost")) === 200);
  assert.equal(await one.status("status.localhost"), 403);

  // 4. Another gateway is made of it, but for the secrets.
  const exported = await one.run("export");
  assert.equal(exported.status, 0, exported.stderr);
  assert.doesNotMatch(exported.stdout + exported.stderr, /a-secret-of-the-file/);
  assert.match(exported.stderr, /service token "ci": client_secret/);
  writeFileSync(file, exported.stdout);
  const copied = await two.run("apply", "-f", file);
  assert.equal(copied.status, 0, copied.stderr);
  assert.match(copied.stderr, /service token "ci" has no client_secret that anybody knows/);
  assert.equal(await two.status("health.localhost"), 200);
  const copy = await two.run("export");
  assert.equal(copy.stdout, exported.stdout);

  // 5. What the file does not have goes when that is said.
  writeFileSync(file, "applications: []\n");
  const kept = await two.run("apply", file);
  assert.match(kept.stdout, /^not in the file: application "Wiki" \(--prune deletes it\)$/m);
  assert.equal(await two.status("health.localhost"), 200);
  const pruned = await two.run("apply", file, "--prune");
  assert.match(pruned.stdout, /^delete application "Wiki"$/m);
  assert.doesNotMatch(pruned.stdout, /group/);
  assert.equal(await two.status("health.localhost"), 403);

  for (const { running } of [one, two])
    assert.doesNotMatch(running.stderr(), /a-secret-of-the-file/);
});

test("whoever has no token that will do is refused in one line, and nothing is changed", async (context) => {
  const one = await startAdministered(context);
  const file = join(one.operator.folder, "objects.yaml");
  writeFileSync(file, objects);
  const environment = { POSTERN_ADMIN_TOKEN: "postern_admin_none", WIKI_TEAM: "example.com" };
  const refused = await runPostern(["apply", file, "--url", one.url], environment);
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /^postern: http:\/\/\S+ refuses: Authentication failed.*\(401\)\n$/);

  const weak = ["admin-token", "create", "weak", "--permission", "apps:write", "--config"];
  const created = await runPostern([...weak, one.operator.file], {});
  noteSecrets(created.stdout.trim());
  writeFileSync(join(one.operator.folder, "token"), created.stdout);
  const tokenFile = join(one.operator.folder, "token");
  const narrow = ["diff", file, "--url", one.url, "--token-file", tokenFile];
  const lacking = await runPostern(narrow, { WIKI_TEAM: "example.com" });
  assert.equal(lacking.status, 2);
  assert.match(lacking.stderr, /lacks the permission organizations:read/);
  assert.equal(await one.status("status.localhost"), 403);
});
