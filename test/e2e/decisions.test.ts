// What an administrator learns of decisions at the command line: why one is as it is, who gains and
// who loses by a change, and what the change would have done to what was recorded. The gateway is a
// process of its own, and answers requests meanwhile.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runPostern } from "../support/cli.ts";
import { anOperator, ask, type Operator, said } from "./gateway-process-fixture.ts";

const host = "app.localhost";
const secret = "s".repeat(40);
const deploy = { name: "deploy", client_id: "deploy.access", client_secret: secret };
const staff = { name: "staff", include: [{ email_domain: { domain: "example.com" } }] };
const readers = {
  name: "readers",
  decision: "allow",
  include: [{ group: { name: "staff" } }],
  exclude: [{ email: { email: "eve@example.com" } }],
};
const machines = {
  name: "machines",
  decision: "non_identity",
  include: [{ service_token: { name: "deploy" } }],
};

function sections(port: number, policies: readonly object[] = [machines, readers]) {
  return {
    auth_domain: `login.localhost:${port}`,
    service_tokens: [deploy],
    groups: [staff],
    ingress: [{ service: "http_status:200" }],
    applications: [{ id: "reports", name: "Reports", domain: host, policies }],
    log: { requests: "decisions" },
  };
}

async function administrator(context: TestContext): Promise<Operator> {
  const operator = await anOperator(context, {
    identity_providers: [
      {
        ...{ id: "corp", name: "SSO", type: "oidc" },
        config: { client_id: "p", issuer: "https://idp.example.test" },
      },
    ],
  });
  operator.write(sections(operator.port));
  return operator;
}

/** Another file beside the operator's. */
function changed({ folder, port }: Operator, policies: readonly object[]): string {
  const file = join(folder, "new.yaml");
  const provider = { id: "corp", name: "SSO", type: "oidc" };
  const config = { client_id: "p", issuer: "https://idp.example.test" };
  const whole = {
    listen: `127.0.0.1:${port}`,
    identity_providers: [{ ...provider, config }],
    ...sections(port, policies),
  };
  writeFileSync(file, JSON.stringify(whole));
  return file;
}

test("an administrator asks why somebody is let in or not, by the file alone", async (context) => {
  const { file } = await administrator(context);
  const explain = (...args: string[]) =>
    runPostern(["access", "explain", `https://${host}/x`, ...args, "--config", file], {});

  const ada = await explain("--as", "ada@example.com");
  assert.deepEqual([ada.status, ada.stderr], [0, ""]);
  assert.match(ada.stdout, /^ada@example\.com at app\.localhost\/x \("Reports"\): allow\n/);
  assert.match(ada.stdout, /\nWhy: policy "readers" \([\w-]+\), by group "staff"\s+\([\w-]+\)\n/);
  assert.match(
    ada.stdout,
    /\n {4}include email_domain example\.com: holds \(email\s+ada@example\.com\)\n/,
  );
  for (const line of ada.stdout.split("\n")) assert.ok(line.length <= 80, line);

  const eve = await explain("--as", "eve@example.com");
  assert.match(
    eve.stdout,
    /: deny\nWhy: no policy matches: "readers" \([\w-]+\)\s+excludes\s+email\s+eve@example\.com/,
  );

  const token = await explain("--service-token", "deploy", "--json");
  assert.equal(JSON.parse(token.stdout).outcome, "allow");
  assert.equal(JSON.parse((await explain("--json")).stdout).outcome, "login");
  const unknown = await explain("--login-method", "SSO");
  assert.match(
    unknown.stdout,
    /: undecided\nWhy: it depends on email\nState --as to know more\.\n/,
  );

  const nowhere = await runPostern(["access", "explain", "other.test", "--config", file], {});
  assert.deepEqual([nowhere.status, nowhere.stdout], [2, ""]);
  assert.match(nowhere.stderr, /other\.test\/ belongs to no application/);
});

test("an administrator sees who gains and who loses before a change is made", async (context) => {
  const operator = await administrator(context);
  const wider = {
    ...readers,
    include: [...readers.include, { email: { email: "cy@partner.test" } }],
  };
  const file = changed(operator, [wider]);
  const { status, stdout, stderr } = await runPostern(
    ["diff", "--access", "--from", operator.file, "--config", file],
    {},
  );
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(
    stdout,
    /^Reports\n {2}gains: a person: cy@partner\.test\n {9}deny before, allow by "readers" \([\w-]+\)\s+now\n/,
  );
  assert.match(
    stdout,
    /\n {2}loses: a service token: "deploy" \([\w-]+\)\n {9}allow by "machines" \([\w-]+\)\s+before,\s+deny\s+now\n/,
  );

  const same = ["diff", "--access", "--from", file, "--config", file];
  assert.equal((await runPostern(same, {})).stdout, "Nobody gains or loses access.\n");
});

test("what was recorded is explained by its ray ID, and asked of a changed file", async (context) => {
  const operator = await administrator(context);
  const running = await operator.start();
  const headers = {
    host: `${host}:${operator.port}`,
    "cf-access-client-id": "deploy.access",
    "cf-access-client-secret": secret,
  };
  const request = { port: operator.port, headers };
  const answer = await ask({ ...request, path: "/by-program" });
  assert.equal(answer.status, 200);
  const stranger = await ask({ ...request, headers: { host: headers.host }, path: "/by-stranger" });
  assert.equal(stranger.status, 302);

  // The row is written a moment after the answer.
  const ray = String(answer.headers["cf-ray"]);
  const explainRay = () =>
    runPostern(["access", "explain", "--ray", ray, "--config", operator.file], {});
  let explained = await explainRay();
  while (explained.status !== 0) explained = await explainRay();
  assert.match(
    explained.stdout,
    /^Recorded \S+ "deploy"\s+\([\w-]+\)\s+from[\s\S]*GET\s[\s\S]*\/by-program[\s\S]*: allow\s+by\s+"machines",\s+service_token\s+"deploy"/,
  );
  assert.match(explained.stdout, /\nWith the policies of now: allow\n/);

  const file = changed(operator, [readers]);
  const args = ["replay", "--policies", file, "--config", operator.file, "--json"];
  const replay = JSON.parse((await runPostern(args, {})).stdout);
  assert.equal(replay.changes.length, 1);
  const [{ from, to, count, examples }] = replay.changes;
  assert.deepEqual([from, to, count, examples[0].path], ["allow", "deny", 1, "/by-program"]);
  assert.equal(replay.same, 1);
  assert.equal(replay.unknown, 0);

  // A file with a test that fails changes nothing.
  operator.write({
    ...sections(operator.port, [readers]),
    tests: [{ url: host, service_token: "deploy", expect: "allow" }],
  });
  const refused = await said(running, "the changed configuration was not applied");
  assert.match(JSON.stringify(refused), /expects allow, and the answer is deny/);
  assert.equal((await ask({ ...request, path: "/still" })).status, 200);
});

test("nothing is said to somebody who gives an ID that nothing was recorded under", async (context) => {
  const operator = await administrator(context);
  await operator.start();
  const args = ["access", "explain", "--ray", "0123456789abcdef", "--config", operator.file];
  const { status, stdout, stderr } = await runPostern(args, {});
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /nothing was recorded under "0123456789abcdef"/);
});
