// How long the token lasts that somebody gets: by the policy that lets them in, the application's
// duration where that says none, and the shortest where the request will say which policy it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, application, startAccessFixture } from "../access/access-fixture.ts";

const adas = [{ email: { email: ada } }];
const allow = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  decision: "allow",
  include: adas,
  ...more,
});
const onlyGet = { require: [{ method: { method: "GET" } }] };

const cases: [what: string, policies: unknown[], minutes: number][] = [
  ["the application's", [allow("people")], 8 * 60],
  ["the policy's", [allow("people", { session_duration: "15m" })], 15],
  [
    "the application's, where the policy says nothing of it",
    [allow("people", { session_duration: "" })],
    8 * 60,
  ],
  ["a minute, where it ends at once", [allow("people", { session_duration: "0s" })], 1],
  [
    "that of the first policy that fits",
    [allow("first", { session_duration: "30m" }), allow("second", { session_duration: "5m" })],
    30,
  ],
  [
    "the shortest, where the request says which policy fits",
    [
      allow("readers", { ...onlyGet, session_duration: "2h" }),
      allow("writers", { session_duration: "20m" }),
      allow("never reached", { session_duration: "1m" }),
    ],
    20,
  ],
];

for (const [what, policies, minutes] of cases)
  test(`a session lasts as long as what counts says: ${what}`, async (context) => {
    const { fixture } = await startAccessFixture(context, [application("app", policies)]);
    await fixture.signIn(fixture.app("app"));
    const [seen] = fixture.upstream.requests.splice(0);
    const assertion = seen?.header("cf-access-jwt-assertion") ?? "";
    const { iat, exp } = JSON.parse(
      Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString(),
    );
    assert.equal(exp - iat, minutes * 60);
  });

test("whoever is denied for every request is not let in by a policy that comes after", async (context) => {
  const { fixture } = await startAccessFixture(context, [
    application("app", [{ name: "no", decision: "deny", include: adas }, allow("people")]),
    application("reading", [
      allow("readers", onlyGet),
      { name: "no", decision: "deny", include: adas },
      allow("people"),
    ]),
  ]);
  await fixture.signIn(fixture.app("app"));
  assert.equal(fixture.upstream.requests.length, 0);
  const reader = await fixture.signIn(fixture.app("reading"));
  assert.equal(fixture.upstream.requests.splice(0).length, 1);
  await reader.open(`${fixture.app("reading")}/x`);
  assert.equal(fixture.upstream.requests.splice(0).length, 1);
});
