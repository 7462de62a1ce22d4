// `postern gateway --check FILE`: what a file would do, without doing any of it. And what the
// gateway says of itself at its start.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runPostern, temporaryHome } from "../support/cli.ts";
import { anOperator, said } from "./gateway-process-fixture.ts";

const bin = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");
const good = `auth_domain: login.localhost:8600
listen: 127.0.0.1:8600
store: sqlite:./data/postern.db
secret_key_file: ./data/secret.key
identity_providers:
  - {id: corp, name: Corp, type: oidc, config: {client_id: a, issuer: "https://idp.test"}}
ingress:
  - {hostname: freight.localhost, service: "http://127.0.0.1:3000"}
  - {service: "http_status:404"}
applications:
  - name: Freight API
    domain: freight.localhost
    policies: [{name: people, decision: allow, include: [{email_domain: {domain: example.com}}]}]
`;

function fileWith(context: TestContext, text: string): { folder: string; file: string } {
  const folder = temporaryHome(context);
  const file = join(folder, "postern.yaml");
  writeFileSync(file, text);
  return { folder, file };
}

test("somebody who checks a sound file hears that it is OK and what is in it, and nothing is made", async (context) => {
  const { folder, file } = fileWith(context, good);
  const { status, stdout, stderr } = await runPostern(["gateway", "--check", file], {});
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(stdout, `${file} is OK: 1 identity provider, 1 application, 2 ingress rules\n`);
  assert.deepEqual(readdirSync(folder), ["postern.yaml"]);
});

test("somebody who checks a file that is hardly meant hears the warnings, and it is OK", async (context) => {
  const { file } = fileWith(context, good.replace("domain: freight.", "domain: fright."));
  const { status, stdout, stderr } = await runPostern(["gateway", "--check", file], {});
  assert.equal(status, 0);
  assert.match(
    stderr,
    /^postern: warning: .*:8: ingress\[0\] "freight\.localhost": no application/,
  );
  assert.match(
    stderr,
    /\npostern: warning: .*:12: applications\[0\] "Freight API"\.domain: no ingress/,
  );
  assert.match(stdout, /is OK, with 2 warnings: /);
});

test("somebody who checks a wrong file hears every mistake and what follows from none of them, with a status", async (context) => {
  const wrong = good
    .replace("auth_domain", "auth_domian")
    .replace("{email_domain: {domain: example.com}}", "{group: engineering}")
    .replace("store: sqlite:./data", "workers: 4\nstore: sqlite:./data");
  const { file } = fileWith(context, wrong);
  const { status, stdout, stderr } = await runPostern(["gateway", "--check", file], {});
  assert.deepEqual([status, stdout], [1, ""]);
  const lines = stderr.trim().split("\n");
  assert.match(lines[0] ?? "", /:1: auth_domian: unknown field; do you mean auth_domain\?$/);
  assert.match(
    lines[1] ?? "",
    /"people"\.include\[0\]\.group: .*; write \{group: \{id: engineering\}\}$/,
  );
  assert.equal(lines.at(-1), `postern: ${file} cannot be used: 2 mistakes`);
  assert.equal(lines.length, 3, stderr);
});

test("a file is checked from standard input as well, and one that is not there is said so", async (context) => {
  const { folder } = fileWith(context, good);
  const checked = spawnSync(process.execPath, [bin, "gateway", "--check", "-"], {
    input: good,
    cwd: folder,
    encoding: "utf8",
  });
  assert.deepEqual([checked.status, checked.stderr], [0, ""]);
  assert.match(checked.stdout, /^standard input is OK: /);
  const absent = await runPostern(["gateway", "--check", join(folder, "none.yaml")], {});
  assert.equal(absent.status, 1);
  assert.match(absent.stderr, /none\.yaml: cannot be read \(ENOENT\)/);
  const both = await runPostern(["gateway", "--check", "a.yaml", "--config", "b.yaml"], {});
  assert.equal(both.status, 2);
});

const applications = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    name: `App ${index}`,
    domain: `app-${index}.example.test`,
    policies: [{ name: "people", decision: "allow", include: [{ email: { email: "a@b.test" } }] }],
  }));

test("a gateway lists its applications at its start, as one line of JSON, and no more than twenty", async (context) => {
  const operator = await anOperator(context, {
    trusted_proxies: ["127.0.0.1"],
    ingress: [
      { hostname: "app-1.example.test", service: "http://127.0.0.1:1" },
      { service: "unix:/run/x.sock" },
    ],
  });
  operator.write({ applications: applications(23) });
  const running = await operator.start();
  const line = await said(running, "these applications are served");
  const listed = line["applications"] as Record<string, string>[];
  assert.equal(listed.length, 20);
  assert.equal(line["more"], 3);
  assert.equal(listed[1]?.["url"], `https://app-1.example.test:${operator.port}`);
  assert.equal(listed[1]?.["origin"], "http://127.0.0.1:1");
  assert.equal(listed[2]?.["origin"], "unix:/run/x.sock");
  assert.match(listed[0]?.["aud"] ?? "", /^[0-9a-f]{64}$/);
});

test("somebody who wants words gets them without a terminal, and without colours", async (context) => {
  const operator = await anOperator(context, {
    trusted_proxies: ["127.0.0.1"],
    log: { format: "text" },
    ingress: [{ service: "http://127.0.0.1:1" }],
  });
  operator.write({ applications: applications(2) });
  const running = await operator.start();
  await running.until(/AUD [0-9a-f]{64}\n.*\n? {4}AUD/);
  assert.match(running.stderr(), /^\d\d:\d\d:\d\d info {2}the gateway is up\n/m);
  assert.ok(!running.stderr().includes("\u001b"));
});

test("somebody who rotates the keys hears which key signs, and until when the earlier one is accepted", async (context) => {
  const operator = await anOperator(context, {
    trusted_proxies: ["127.0.0.1"],
    ingress: [{ service: "http://127.0.0.1:1" }],
  });
  operator.write({});
  const rotate = () => runPostern(["keys", "rotate", "--config", operator.file], {});
  const [first, second] = [await rotate(), await rotate()];
  for (const { status, stdout } of [first, second]) {
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^Signing now: {2}\S+\nUntil now: {4}\S+, accepted until \d{4}-\d\d-\d\dT\S+Z\n/,
    );
  }
  const signing = /now: {2}(\S+)/.exec(first.stdout)?.[1];
  assert.ok(signing !== undefined && second.stdout.includes(`Until now:    ${signing},`));
});
