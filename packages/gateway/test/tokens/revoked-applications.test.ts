// The revocation of an application's tokens: what was issued before holds no longer, in whatever
// form it is remembered, and what is issued afterwards does.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../../test/storage/backends.ts";
import { startGrant } from "../../src/tokens/start-grant.ts";
import { applicationWith, claimsOf, hour, openTokenFixture } from "./token-fixture.ts";

test("what was issued for a revoked application holds no longer, and what is issued afterwards does", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, sessions, application, store } = fixture;
  const { aud } = application;
  const other = applicationWith("b".repeat(64));
  fixture.change({ applications: [application, other] });
  const session = await fixture.session();
  const htu = "https://app.example.com/";
  const issueAll = async () => {
    const grant = await startGrant(
      { store, sessions, tokens, randomBytes: () => Buffer.from(`${Math.random()}`) },
      {
        application,
        htu,
        scope: {},
        label: undefined,
        lifetimeMs: hour,
        parent: session,
        userAgent: "",
      },
    );
    const app = await tokens.issueApp(session, application, hour);
    const proof = await tokens.verifyApp(app, aud);
    assert.ok(proof.ok);
    return {
      app,
      pass: (await tokens.issuePass(session, application, htu, hour)).token,
      grant: grant.token,
      assertion: await tokens.personAssertion(proof),
    };
  };
  const holding = async (issued: Awaited<ReturnType<typeof issueAll>>) => ({
    cached: tokens.cachedApp(issued.app, aud)?.ok,
    app: (await tokens.verifyApp(issued.app, aud)).ok,
    pass: (await tokens.verifyPass(issued.pass, aud)).ok,
    grant: (await tokens.verifyGrant(issued.grant, aud)).ok,
    assertion: (await tokens.verifyAssertion(issued.assertion, aud)).ok,
  });
  const all = { cached: true, app: true, pass: true, grant: true, assertion: true };
  const none = { cached: undefined, app: false, pass: false, grant: false, assertion: false };

  const before = await issueAll();
  const elsewhere = await tokens.issueApp(session, other, hour);
  await tokens.verifyApp(elsewhere, other.aud);
  const org = await tokens.issueOrg(session);
  assert.deepEqual(await holding(before), all);
  assert.equal("generation" in claimsOf(before.app), false);

  await sessions.endAllAt(aud);
  assert.equal(tokens.cachedGrant(before.grant, aud), undefined);
  assert.deepEqual(await holding(before), none);
  assert.ok((await tokens.verifyOrg(org)).ok, "the person is signed in");
  assert.ok(tokens.cachedApp(elsewhere, other.aud)?.ok, "other applications are not concerned");

  const after = await issueAll();
  assert.deepEqual(await holding(after), all, "at once, without waiting for the clock");
  assert.deepEqual(await holding(before), none);

  await sessions.endAllAt(aud);
  assert.deepEqual(await holding(after), none, "and again");
});

test("a token of the generation before does not come back when the clock is set back", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, sessions, application } = fixture;
  const session = await fixture.session();
  const before = await tokens.issueApp(session, application, hour);
  await sessions.endAllAt(application.aud);
  for (const stepped of [0, -60_000, 60_000]) {
    fixture.clock.stepped = stepped;
    const verification = await tokens.verifyApp(before, application.aud);
    assert.equal(verification.ok === false && verification.fault, "revoked");
  }
});

test("another process refuses what was revoked, and takes what was issued since, before it has heard of it", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  const fixture = await openTokenFixture(context, { place });
  const { application, sessions } = fixture;
  const { aud } = application;
  const other = await fixture.another();
  const session = await fixture.session();
  const before = await fixture.tokens.issueApp(session, application, hour);
  assert.ok((await other.verifyApp(before, aud)).ok);
  await sessions.endAllAt(aud);

  const after = await fixture.tokens.issueApp(session, application, hour);
  assert.ok((await other.verifyApp(after, aud)).ok, "the store says that it is in force");
  assert.equal(other.cachedApp(before, aud), undefined, "from then on it knows");
  assert.equal((await other.verifyApp(before, aud)).ok, false);
});

test("what is remembered of a token is not believed while nobody can say what was revoked", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, application } = fixture;
  const token = await tokens.issueApp(await fixture.session(), application, hour);
  await tokens.verifyApp(token, application.aud);
  assert.ok(tokens.cachedApp(token, application.aud)?.ok);
  tokens.forgetAllSessions();
  assert.equal(tokens.knownGenerationOf(application.aud), undefined);
  assert.equal(tokens.cachedApp(token, application.aud), undefined);
  assert.ok((await tokens.verifyApp(token, application.aud)).ok);
});
