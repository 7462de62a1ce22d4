// What a program opened with a token of its platform ends with that token, or with the policy that
// let it in (wire-protocol 3.2).
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { application, machines } from "./access-fixture.ts";
import {
  ended,
  goOn,
  header,
  type Scene,
  startScene,
  streamKinds,
} from "./open-streams-fixture.ts";
import { audience, startTokenIssuer, type TokenIssuer } from "./token-issuer.ts";

function jobs(issuer: string, repository = "acme/shop"): Record<string, unknown> {
  const rule = { issuer, audience, claims: { repository } };
  return { name: "jobs", decision: "non_identity", include: [{ oidc_token: rule }] };
}

async function scene(context: TestContext): Promise<{ issuer: TokenIssuer; scene: Scene }> {
  const issuer = await startTokenIssuer(context);
  const policies = [jobs(issuer.issuer), machines];
  return { issuer, scene: await startScene(context, [application("app", policies)]) };
}

test("streams of a job end when its token expires, and the log names issuer and subject", async (context) => {
  const { issuer, scene: here } = await scene(context);
  const streams = await here.openAll(streamKinds, "job", header(await issuer.token()));
  here.access.fixture.clock.ahead += 290_000;
  await goOn(here, streams, "still there");
  here.access.fixture.clock.ahead += 20_000;
  await ended(here, streams, "job");
  const lines = () => here.access.fixture.events.filter(({ event }) => event === "stream_ended");
  await until(() => lines().length === streamKinds.length);
  for (const line of lines() as unknown as Record<string, unknown>[]) {
    assert.equal(line["reason"], "expired");
    assert.equal(line["issuer"], issuer.issuer);
    assert.equal(line["subject"], "repo:acme/shop:ref:refs/heads/main");
  }
});

test("streams of a job end with the policy that let it in, and stay open with another change", async (context) => {
  const { issuer, scene: here } = await scene(context);
  const streams = await here.openAll(streamKinds, "job", header(await issuer.token()));
  const change = (repository: string) =>
    here.change({
      applications: [application("app", [jobs(issuer.issuer, repository), machines])],
    });
  await change("acme/*");
  await goOn(here, streams, "still there");
  await change("acme/other");
  await ended(here, streams, "job");
});
