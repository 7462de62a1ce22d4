// The built command line in a job: its platform's token opens what policy says, at a whole gateway
// that fetches the keys of a real issuer. Nothing is stored and no browser is opened.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import {
  startTokenIssuer,
  type TokenIssuer,
} from "../../packages/gateway/test/access/token-issuer.ts";
import {
  applications,
  type LoginFixture,
  startLoginFixture,
} from "../../packages/gateway/test/login/login-fixture.ts";
import { needs } from "../support/requirements.ts";

interface Job {
  issuer: TokenIssuer;
  fixture: LoginFixture;
  runner: Machine;
  url: string;
  /** of GitHub Actions, which gives out tokens for any audience */
  platform: Record<string, string>;
}

async function job(context: TestContext, claims = { repository: "acme/shop" }): Promise<Job> {
  const issuer = await startTokenIssuer(context);
  const endpoint = createServer((request, response) => {
    const audience = new URL(request.url ?? "", "http://x").searchParams.get("audience");
    void issuer.token({ aud: audience }).then((value) => response.end(JSON.stringify({ value })));
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  context.after(() => endpoint.close());
  const [first, ...rest] = applications();
  const fixture = await startLoginFixture(context, {
    sections: { applications: [first, ...rest] },
  });
  const rule = { issuer: issuer.issuer, audience: fixture.team, claims };
  const jobs = { name: "jobs", decision: "non_identity", include: [{ oidc_token: rule }] };
  await fixture.change({ applications: [{ ...first, policies: [jobs] }, ...rest] });
  const { port } = endpoint.address() as AddressInfo;
  return {
    issuer,
    fixture,
    runner: machine(context),
    url: fixture.app("app"),
    platform: {
      CI: "true",
      POSTERN_WORKLOAD: "github",
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/?v=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "the-right-to-ask",
    },
  };
}

test(
  "a job of GitHub Actions calls an API with its own token, and leaves nothing behind",
  needs("curl"),
  async (context) => {
    const { fixture, runner, url, platform } = await job(context);
    const curl = await runner.run(["access", "curl", "-sf", `${url}/orders`], platform);
    assert.equal(curl.status, 0, curl.stderr);
    const [seen] = fixture.upstream.requests;
    assert.equal(seen?.header("cf-access-token"), undefined);
    const assertion = seen?.header("cf-access-jwt-assertion") ?? "";
    const claims = JSON.parse(
      Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString(),
    ) as { common_name: string };
    assert.match(claims.common_name, /^http:\/\/127\.0\.0\.1:\d+#repo:acme\/shop:ref:refs/);
    const whoami = await runner.run(["access", "whoami", url], platform);
    assert.equal(whoami.status, 0, whoami.stderr);
    assert.match(whoami.stdout, /#repo:acme\/shop:ref:refs\/heads\/main\n/);
    assert.ok(!existsSync(join(runner.home, "tokens")));
    assert.deepEqual(runner.opened(), []);
  },
);

test("access token prints the job's token in every form but kubectl's", async (context) => {
  const { runner, url, platform } = await job(context);
  const raw = await runner.run(["access", "token", url], platform);
  assert.equal(raw.status, 0, raw.stderr);
  assert.match(raw.stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const json = await runner.run(["access", "token", "--format", "json", url], platform);
  assert.equal((JSON.parse(json.stdout) as { application: string }).application, "app.localhost");
  const args = ["access", "token", "--format", "exec-credential", url];
  const kubectl = await runner.run(args, platform);
  assert.equal(kubectl.status, 2);
  assert.equal(kubectl.stdout, "");
});

test(
  "a pod and a GitLab job do the same with a file and a variable",
  needs("curl"),
  async (context) => {
    const { issuer, fixture, runner, url } = await job(context);
    const token = await issuer.token({ aud: fixture.team });
    const file = join(runner.directory, "token");
    writeFileSync(file, `${token}\n`);
    const ways: [string[], Record<string, string>][] = [
      [["--workload-token-file", file], {}],
      [[], { POSTERN_WORKLOAD: "kubernetes", POSTERN_WORKLOAD_TOKEN_FILE: file }],
      [["--workload", "gitlab"], { POSTERN_ID_TOKEN: token }],
      [[], { POSTERN_WORKLOAD: "gitlab", POSTERN_WORKLOAD_TOKEN_VARIABLE: "MINE", MINE: token }],
    ];
    for (const [flags, environment] of ways) {
      const curl = await runner.run(["access", "curl", ...flags, "-sf", url], environment);
      assert.equal(curl.status, 0, curl.stderr);
    }
    assert.equal(fixture.upstream.requests.length, ways.length);
  },
);

test(
  "a job that policy does not know is refused with the reason, and nothing reaches the origin",
  needs("curl"),
  async (context) => {
    const { fixture, runner, url, platform } = await job(context, { repository: "acme/other" });
    const denied = await runner.run(["access", "curl", "-s", url], platform);
    assert.equal(denied.status, 125);
    assert.equal(denied.stdout, "");
    assert.match(denied.stderr, /policy does not let the GitHub token of this job reach/);
    const audience = { ...platform, POSTERN_WORKLOAD_AUDIENCE: "https://elsewhere.example" };
    const wrong = await runner.run(["access", "curl", "-s", url], audience);
    assert.equal(wrong.status, 125);
    assert.match(wrong.stderr, /refuses the GitHub token of this job \(wrong_audience\); compare/);
    assert.equal(fixture.upstream.requests.length, 0);
    assert.deepEqual(runner.opened(), []);
  },
);
