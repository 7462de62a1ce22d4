// `access whoami` of the built command line with a service token, at a whole gateway.
import assert from "node:assert/strict";
import { test } from "node:test";
import { machine } from "../../packages/cli/test/support/terminal.ts";
import {
  applications,
  startLoginFixture,
} from "../../packages/gateway/test/login/login-fixture.ts";

const secret = "the-robots-long-secret";

test("whoami shows a service token as the gateway sees it, and refuses another one", async (context) => {
  const [first, ...rest] = applications();
  const machines = {
    name: "machines",
    decision: "non_identity",
    include: [{ any_valid_service_token: {} }],
  };
  const fixture = await startLoginFixture(context, {
    sections: {
      applications: [{ ...first, policies: [machines] }, ...rest],
      service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: secret }],
    },
  });
  const robot = machine(context);
  const url = fixture.app("app");
  const flags = ["--service-token-id", "robot.access", "--service-token-secret", secret];
  const variables = {
    TUNNEL_SERVICE_TOKEN_ID: "robot.access",
    TUNNEL_SERVICE_TOKEN_SECRET: secret,
  };
  const runs = [
    await robot.run(["access", "whoami", ...flags, url]),
    await robot.run(["access", "whoami", url], variables),
    await robot.run(["access", "whoami", `${url}/deep/path?x=1`], variables),
  ];
  for (const { status, stdout, stderr } of runs) {
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^robot\.access\n {2}name {11}robot\n {2}service token {2}\S+\n$/);
  }
  const json = await robot.run(["access", "whoami", "--json", url], variables);
  const identity = JSON.parse(json.stdout) as Record<string, unknown>;
  assert.equal(identity["service_token_status"], true);
  assert.equal(identity["common_name"], "robot.access");
  for (const wrong of [
    { ...variables, TUNNEL_SERVICE_TOKEN_SECRET: "another-one" },
    { ...variables, TUNNEL_SERVICE_TOKEN_ID: "nobody.access" },
  ]) {
    const refused = await robot.run(["access", "whoami", url], wrong);
    assert.notEqual(refused.status, 0);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /service token/);
  }
  assert.ok(!JSON.stringify(robot.opened()).includes("http"), "nobody was asked");
});
