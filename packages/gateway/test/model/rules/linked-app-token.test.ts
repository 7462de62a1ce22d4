// The origin of one application that calls another in a person's name, with what it was told of
// that person and with nothing else (wire-protocol 2).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  hour,
  identityIn,
  only,
  robotPair,
  startAccessFixture,
} from "../../access/access-fixture.ts";

const carol = "carol@example.com";
const linked = { linked_app_token: { app_uid: "portal" } };
const byPortal = { name: "the portal", decision: "non_identity", include: [linked] };
const portal = application("portal", [everybody], { id: "portal" });

/** What the portal's origin is told of a person. */
async function assertionAt(access: AccessFixture, lines: string[], host = "portal.localhost") {
  const seen = await access.passed("/", lines, { host });
  return seen.header("cf-access-jwt-assertion") ?? "";
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

test("the portal's origin reads the API in a person's name, and the API's origin hears of both", async (context) => {
  const access = await startAccessFixture(context, [
    portal,
    application("app", [byPortal, only(carol)]),
  ]);
  const own = `Cf-Access-Token: ${await access.token("portal")}`;
  const shown = await assertionAt(access, [own]);
  const seen = await access.passed("/", [`Cf-Access-Token: ${shown}`]);
  assert.equal(identityIn(seen), ada);
  const claims = claimsOf(seen.header("cf-access-jwt-assertion") ?? "");
  assert.deepEqual(claims["act"], { application: "portal", sub: "portal" });
  assert.deepEqual(claims["aud"], [access.application("app").aud]);
  assert.ok(Number(claims["exp"]) <= Number(claimsOf(shown)["exp"]));
  assert.equal(seen.header("cf-access-token"), undefined);
});

test("rules about people hold for the person whom the portal acts for", async (context) => {
  const adas = { ...byPortal, require: [{ email: { email: ada } }] };
  const access = await startAccessFixture(context, [portal, application("app", [adas])]);
  const shownFor = async (email: string) =>
    `Cf-Access-Token: ${await assertionAt(access, [`Cf-Access-Token: ${await access.token("portal", email)}`])}`;
  await access.passed("/", [await shownFor(ada)]);
  await access.refused(403, "/", [await shownFor(bob)]);
});

test("it ends with the session behind it", async (context) => {
  const access = await startAccessFixture(context, [
    portal,
    application("app", [byPortal, only(carol)]),
  ]);
  const session = await access.fixture.session("browser", ada);
  const own = `Cf-Access-Token: ${await access.token("portal", ada, session)}`;
  const lines = [`Cf-Access-Token: ${await assertionAt(access, [own])}`];
  await access.passed("/", lines);
  await access.fixture.parts.sessions.end(session.id);
  const answer = await access.refused(401, "/", lines);
  assert.equal(answer.headers["cf-access-error"], "session_ended");
});

test("it ends when the portal's tokens are revoked", async (context) => {
  const applications = [portal, application("app", [byPortal, only(carol)])];
  const access = await startAccessFixture(context, applications);
  const own = `Cf-Access-Token: ${await access.token("portal")}`;
  const lines = [`Cf-Access-Token: ${await assertionAt(access, [own])}`];
  await access.passed("/", lines);
  await access.fixture.parts.sessions.endAllAt(access.application("portal").aud);
  await access.refused(401, "/", lines);
});

test("no other token of the portal opens the API: not the person's own, a program's, or one made for a pass", async (context) => {
  const both = application(
    "portal",
    [
      everybody,
      { name: "robots", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
    ],
    { id: "portal" },
  );
  const access = await startAccessFixture(context, [
    both,
    application("app", [byPortal, only(carol)]),
  ]);
  const own = await access.token("portal");
  await access.refused(401, "/", [`Cf-Access-Token: ${own}`]);
  const robots = await assertionAt(access, robotPair);
  await access.refused(401, "/", [`Cf-Access-Token: ${robots}`]);

  const session = await access.fixture.session("browser", ada);
  const pass = await access.fixture.parts.tokens.issuePass(
    session,
    access.application("portal"),
    `http://portal.localhost:${access.fixture.port}/`,
    hour / 10,
  );
  const port = access.fixture.port;
  const seen = await access.passed(`/?token=${pass.token}`, [], {
    host: `portal.localhost:${port}`,
  });
  const forPass = seen.header("cf-access-jwt-assertion") ?? "";
  await access.refused(401, "/", [`Cf-Access-Token: ${forPass}`]);
});

test("it counts in cf-access-token alone, at an application that names the portal, and opens nothing further", async (context) => {
  const further = {
    ...byPortal,
    include: [{ linked_app_token: { app_uid: "app" } }],
  };
  const access = await startAccessFixture(context, [
    portal,
    application("app", [byPortal, only(carol)], { id: "app", accept_bearer: true }),
    application("third", [further, everybody]),
    application("unlinked", [everybody, { ...byPortal, include: [{ everyone: {} }] }]),
    application("proven", [byPortal, only(carol)], { proof_of_possession: true }),
  ]);
  const own = `Cf-Access-Token: ${await access.token("portal")}`;
  const shown = await assertionAt(access, [own]);
  await access.refused(302, "/", [`Cookie: CF_Authorization=${shown}`]);
  await access.refused(302, `/?token=${shown}`);
  await access.refused(401, "/", [`Authorization: Bearer ${shown}`]);
  for (const host of ["unlinked", "proven", "third"])
    await access.refused(401, "/", [`Cf-Access-Token: ${shown}`], { host: `${host}.localhost` });

  const chained = await assertionAt(access, [`Cf-Access-Token: ${shown}`], "app.localhost");
  await access.refused(401, "/", [`Cf-Access-Token: ${chained}`], { host: "third.localhost" });
});

test("everyone, an address or a person in a Service Auth policy does not admit the portal; a group that names it does", async (context) => {
  const policies = (include: unknown[]) => [
    { ...byPortal, include },
    // Names the portal, so that its token is looked at.
    { ...byPortal, name: "never", require: [{ ip: { ip: "203.0.113.0/24" } }] },
  ];
  const groups = [{ id: "callers", name: "callers", include: [linked] }];
  const access = await startAccessFixture(
    context,
    [
      portal,
      application("app", policies([{ everyone: {} }, { email: { email: ada } }])),
      application("grouped", policies([{ group: { id: "callers" } }])),
    ],
    { groups },
  );
  const own = `Cf-Access-Token: ${await access.token("portal")}`;
  const lines = [`Cf-Access-Token: ${await assertionAt(access, [own])}`];
  await access.refused(403, "/", lines);
  await access.passed("/", lines, { host: "grouped.localhost" });
});

test("a bypass takes it, and the origin is then told of nobody", async (context) => {
  const bypass = { ...byPortal, decision: "bypass" };
  const access = await startAccessFixture(context, [portal, application("app", [bypass])]);
  const own = `Cf-Access-Token: ${await access.token("portal")}`;
  const shown = await assertionAt(access, [own]);
  const seen = await access.passed("/", [`Cf-Access-Token: ${shown}`]);
  assert.equal(seen.header("cf-access-jwt-assertion"), undefined);
  await access.refused(403, "/");
});
