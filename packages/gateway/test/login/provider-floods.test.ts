// What a stranger can make the gateway ask a provider, and write down, with an attempt of a browser
// of their own.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { answerRates } from "../../src/login/providers/oidc.ts";
import { Person, send } from "./person.ts";
import {
  isIn,
  type ProviderFixture,
  type ProviderFixtureOptions,
  startProviderFixture,
} from "./provider-fixture.ts";

const floodLength = answerRates.perNetwork.burst + 60;

/** Sends made-up answers to one attempt, again and again, with the cookie that it began with. */
async function flood(
  { app, gateway }: ProviderFixture,
  answerOf: (nth: number) => Record<string, string>,
): Promise<number[]> {
  const stranger = new Person();
  await stranger.open(`${app}/x`);
  const { url, ...ask } = stranger.pressing("Odd");
  const { location = "" } = await stranger.ask(url, ask);
  const state = new URL(location).searchParams.get("state") ?? "";
  const cookies = [...stranger.cookiesOf("login.localhost")];
  const cookie = cookies.map(([name, value]) => `${name}=${value}`).join("; ");
  const statuses: number[] = [];
  for (let nth = 0; nth < floodLength; nth++) {
    const query = new URLSearchParams({ state, ...answerOf(nth) });
    const callback = `${gateway.team}/cdn-cgi/access/callback?${query}`;
    statuses.push((await send(callback, { headers: { cookie } })).status);
  }
  return statuses;
}

async function isServedElsewhere({ app }: ProviderFixture): Promise<boolean> {
  const person = new Person(new Map(), "127.0.0.2");
  await person.open(`${app}/x`);
  await person.press("Odd");
  return person.page.status === 200 && person.page.url === `${app}/x`;
}

async function assertBounded(
  context: TestContext,
  options: ProviderFixtureOptions,
  answerOf: (nth: number) => Record<string, string>,
): Promise<void> {
  const fixture = await startProviderFixture(context, options);
  fixture.gateway.clock.stoppedAt = performance.now();
  const statuses = await flood(fixture, answerOf);
  assert.equal(statuses.at(-1), 429);
  const asked = fixture.provider.to("/token").length;
  assert.ok(asked < floodLength - 30, `${asked} questions for the provider`);
  const lines = fixture.events("sign_in_failed").length;
  assert.ok(lines > 0 && lines < 60, `${lines} lines of ${floodLength}`);
  assert.ok(await isServedElsewhere(fixture));
}

test("made-up codes ask the provider only so often, and keep nobody elsewhere from signing in", (context) =>
  assertBounded(context, {}, (nth) => ({ code: `made-up-${nth}` })));

test("so do they where the addresses of the provider are configured", (context) =>
  assertBounded(context, { explicit: true }, (nth) => ({ code: `made-up-${nth}` })));

test("made-up refusals fill no log with a stranger's words", (context) =>
  assertBounded(context, {}, (nth) => ({
    error: "server_error",
    error_description: `${nth} ${"x".repeat(400)}`,
  })));

test("an office whose people all sign in at once signs in", async (context) => {
  const fixture = await startProviderFixture(context);
  for (let nth = 0; nth < 40; nth++) assert.ok(isIn(await fixture.signIn(), fixture));
});
