// get-identity, logout and certs: the reserved endpoints that need no login page (wire-protocol
// 11).
import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, startLoginFixture } from "./login-fixture.ts";
import { Person, send } from "./person.ts";

const live = async (person: Person, url: string) =>
  (await person.ask(url, { headers: { accept: "application/json" } })).status === 200;

test("a person sees who they are on both hosts; a stranger gets a clear 401", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  for (const host of [fixture.team, fixture.app("app")]) {
    const answer = await person.ask(`${host}/cdn-cgi/access/get-identity`);
    const identity = JSON.parse(answer.text);
    assert.equal(identity.email, ada);
    assert.equal(identity.user_uuid, identity.id);
    assert.deepEqual(identity.idp, { id: "pin", type: "onetimepin" });
    assert.equal(answer.headers["cache-control"], "private, no-store");
    const stranger = await send(`${host}/cdn-cgi/access/get-identity`);
    assert.equal(stranger.status, 401);
    assert.equal(JSON.parse(stranger.text).error, "not signed in");
  }
});

test("a token says who its bearer is on its own host and on no other; a bad one is not rescued by a cookie", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  const token = person.cookiesOf("app.localhost").get("CF_Authorization") ?? "";
  const path = "/cdn-cgi/access/get-identity";
  const with_ = (value: string) => ({ headers: { "cf-access-token": value } });
  assert.equal((await send(`${fixture.app("app")}${path}`, with_(token))).status, 200);
  assert.equal((await send(`${fixture.app("other")}${path}`, with_(token))).status, 401);
  assert.equal((await send(`${fixture.team}${path}`, with_(token))).status, 401);
  assert.equal((await person.ask(`${fixture.app("app")}${path}`, with_("x.y.z"))).status, 401);
});

test("logout from the application itself ends everything of the person, on every host", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  await person.open(fixture.app("other"));
  const elsewhere = await fixture.signIn(fixture.app("app"));
  fixture.upstream.reset();
  await person.open(`${fixture.app("app")}/cdn-cgi/access/logout`, {
    headers: { "sec-fetch-site": "same-origin" },
  });
  assert.equal(person.heading(), "You are signed out");
  assert.equal(person.cookiesOf("app.localhost").has("CF_Authorization"), false);
  for (const [who, host] of [
    [person, "app"],
    [person, "other"],
    [elsewhere, "app"],
  ] as const) {
    assert.equal(await live(who, fixture.app(host)), false);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("another site cannot sign anybody out; a click on our page can (T16)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  const logout = `${fixture.app("app")}/cdn-cgi/access/logout`;
  const tricks: Record<string, string>[] = [
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
    { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate" },
    { "sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
  ];
  for (const headers of tricks) {
    const answer = await person.ask(logout, { headers });
    assert.match(answer.text, /<h1>Sign out\?<\/h1>/);
    assert.ok(await live(person, fixture.app("app")));
  }
  const form = { "content-type": "application/x-www-form-urlencoded" };
  for (const body of ["", "csrf=", "csrf=0000", "sid=1"]) {
    const answer = await person.ask(logout, {
      method: "POST",
      headers: { ...form, "sec-fetch-site": "cross-site" },
      body,
    });
    assert.equal(answer.status, 400);
  }
  const unauthenticated = await send(`${logout}?sid=${"0".repeat(32)}`);
  assert.equal(unauthenticated.status, 200);
  assert.ok(await live(person, fixture.app("app")), "an unauthenticated call ends nothing");

  await person.open(logout, { headers: { "sec-fetch-site": "cross-site" } });
  await person.press("Sign out");
  assert.equal(person.heading(), "You are signed out");
  assert.equal(await live(person, fixture.app("app")), false);
});

test("a terminal's logout ends that terminal alone", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  const { tokens, catalogs } = fixture.parts;
  const application = catalogs.current().applicationByAud.get(fixture.aud("app"));
  assert.ok(application !== undefined);
  const terminal = await tokens.issueApp(await fixture.session("terminal"), application, 36e5);
  const ask = { method: "POST", headers: { "cf-access-token": terminal }, body: "" };
  const answer = await send(`${fixture.app("app")}/cdn-cgi/access/logout`, ask);
  assert.equal(answer.status, 204);
  assert.equal(
    (
      await send(fixture.app("app"), {
        headers: { "cf-access-token": terminal, accept: "application/json" },
      })
    ).status,
    401,
  );
  assert.ok(await live(person, fixture.app("app")));
  assert.equal((await send(`${fixture.app("app")}/cdn-cgi/access/logout`, ask)).status, 401);
});

test("a terminal that holds its org token alone can still end its session at the team domain", async (context) => {
  const fixture = await startLoginFixture(context);
  const org = await fixture.parts.tokens.issueOrg(await fixture.session("terminal"));
  const ask = { method: "POST", headers: { "cf-access-token": org }, body: "" };
  assert.equal((await send(`${fixture.team}/cdn-cgi/access/logout`, ask)).status, 204);
  assert.equal((await fixture.parts.tokens.verifyOrg(org)).ok, false);
});

test("the keys alone may be cached (L20)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  for (const host of [fixture.team, fixture.app("app")]) {
    const certs = await send(`${host}/cdn-cgi/access/certs`);
    assert.match(certs.headers["cache-control"] ?? "", /^public/);
    assert.ok(JSON.parse(certs.text).keys.length >= 1);
  }
  const challenge = await person.ask(`${fixture.app("app")}/x.css`);
  const answers = [
    challenge,
    await person.ask(challenge.location ?? ""),
    await person.ask(`${fixture.team}/`),
    await person.ask(`${fixture.team}/cdn-cgi/access/callback`),
    await person.ask(`${fixture.team}/cdn-cgi/access/pin`),
    await person.ask(`${fixture.team}/cdn-cgi/access/none`),
    await person.ask(`${fixture.app("app")}/cdn-cgi/access/authorized`),
    await person.ask(`${fixture.app("app")}/cdn-cgi/access/logout`),
    await person.ask(`${fixture.app("app")}/cdn-cgi/access/get-identity`),
  ];
  for (const { url, headers } of answers) {
    assert.equal(headers["cache-control"], "private, no-store", url);
    assert.match(headers.vary ?? "", /cookie/i, url);
  }
});
