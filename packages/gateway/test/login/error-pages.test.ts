// Every page and answer of the sign-in bears its ray id, and every page that shows one has a line
// under that id in the log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { type Answer, type Ask, Person, send } from "./person.ts";

const form = { "content-type": "application/x-www-form-urlencoded" };

/** What goes wrong: where, how, and the status that says so. */
function faults({ team, app, aud }: LoginFixture): [string, string, Ask, number][] {
  const access = "/cdn-cgi/access";
  const link = `${access}/cli?aud=${aud("app")}&token=x`;
  return [
    ["a reserved path that holds nothing", `${app("app")}${access}/nothing`, {}, 404],
    ["the same on the team domain", `${team}${access}/nothing`, {}, 404],
    ["the team domain outside the prefix", `${team}/elsewhere`, {}, 404],
    ["an endpoint of the other host", `${app("app")}${access}/callback?state=x`, {}, 404],
    ["a terminal's link without a key", `${app("app")}${link}`, {}, 400],
    ["a terminal's link to no application", `${app("app")}${access}/cli?aud=x`, {}, 400],
    ["a terminal's link with two keys", `${app("app")}${link}&token=y`, {}, 400],
    ["a terminal's link that nobody vouched for", `${team}${link}&host=app.localhost`, {}, 400],
    ["a callback that belongs to nothing", `${team}${access}/callback?state=x&code=y`, {}, 400],
    ["a callback that says it twice", `${team}${access}/callback?state=x&state=y`, {}, 400],
    ["a hand-over that was altered", `${app("app")}${access}/authorized?nonce=x&state=y`, {}, 400],
    ["a sign-in link to no application", `${team}${access}/login/nobody.localhost?kid=x`, {}, 400],
    ["a sign-in link without its seal", `${team}${access}/login/app.localhost`, {}, 400],
    ["a code's form without an attempt", `${team}${access}/pin?attempt=x`, {}, 400],
    ["a form that is none", `${team}${access}/login`, { method: "POST", body: "{}" }, 400],
    [
      "a form with a doubled field",
      `${team}${access}/login`,
      { method: "POST", headers: form, body: "target=a&target=b" },
      400,
    ],
  ];
}

function rayOnPage({ text }: Answer): string | undefined {
  return /Ray ID <code>([0-9a-f]{16})<\/code>/.exec(text)?.[1];
}

test("every error page shows the ray id of its header, and the log has what it said under it", async (context) => {
  const fixture = await startLoginFixture(context);
  for (const [what, url, ask, status] of faults(fixture)) {
    fixture.events.splice(0);
    const answer = await new Person().ask(url, ask);
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    const ray = rayOnPage(answer);
    assert.ok(ray !== undefined, what);
    assert.equal(answer.headers["cf-ray"], ray, what);
    const events = fixture.events.filter((event) => "ray" in event && event.ray === ray);
    const [event] = events;
    assert.equal(events.length, 1, what);
    assert.ok(event?.event === "error_page_shown", what);
    assert.equal(event.status, status, what);
    assert.notEqual(event.reason, "", what);
    assert.doesNotMatch(JSON.stringify(event), /\?/, "no query");
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("pages and answers where nothing is wrong bear a ray id as well", async (context) => {
  const fixture = await startLoginFixture(context);
  const { team, app } = fixture;
  const access = "/cdn-cgi/access";
  for (const url of [
    `${team}/`,
    `${team}${access}/login`,
    `${team}${access}/certs`,
    `${app("app")}${access}/certs`,
    `${app("app")}${access}/get-identity`,
    `${team}/transfer/x`,
    `${team}${access}/logout`,
  ]) {
    const answer = await send(url);
    assert.match(String(answer.headers["cf-ray"]), /^[0-9a-f]{16}$/, url);
  }
});

test("a stranger who opens broken links without end gets some lines in the log, and the rest is counted", async (context) => {
  const fixture = await startLoginFixture(context);
  for (let nth = 0; nth < 60; nth++) await send(`${fixture.team}/cdn-cgi/access/nothing`);
  const lines = fixture.events.filter(({ event }) => event === "error_page_shown");
  assert.ok(lines.length >= 10 && lines.length < 40, `${lines.length} lines`);
});

/** What programs ask for in vain: where, how, and the status that says so. */
function refusals({ team, app, aud }: LoginFixture): [string, string, Ask, number][] {
  const access = "/cdn-cgi/access";
  const token = { "cf-access-token": "x" };
  const post = { method: "POST", body: "{}" };
  const pass = `${app("app")}${access}/pass`;
  const wanted = { url_prefix: `${app("app")}/v1/`, ttl: 60 };
  const body = JSON.stringify(wanted);
  return [
    ["an identity of nobody", `${app("app")}${access}/get-identity`, {}, 401],
    ["an identity of nobody's token", `${team}${access}/get-identity`, { headers: token }, 401],
    [
      "an identity of no service token",
      `${app("app")}${access}/get-identity`,
      { headers: { "cf-access-client-id": aud("app") } },
      401,
    ],
    ["a pass without a token", pass, post, 401],
    ["a pass that cannot be read", pass, { ...post, headers: token }, 400],
    ["a pass for nobody's token", pass, { ...post, headers: token, body }, 401],
    ["a terminal's sign-out", `${team}${access}/logout`, { ...post, headers: token }, 401],
    ["a certificate for nobody", `${team}${access}/cert_sign`, post, 400],
    ["an endpoint that is not built", `${team}${access}/oauth/token`, post, 501],
  ];
}

test("what a program is refused with JSON is in the log under the ray id of the answer, too", async (context) => {
  const fixture = await startLoginFixture(context);
  for (const [what, url, ask, status] of refusals(fixture)) {
    fixture.events.splice(0);
    const answer = await send(url, ask);
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    assert.match(String(answer.headers["content-type"]), /^application\/json/, what);
    const events = fixture.events.filter(
      (event) => "ray" in event && event.ray === answer.headers["cf-ray"],
    );
    const [event] = events;
    assert.equal(events.length, 1, what);
    assert.ok(event?.event === "error_page_shown", what);
    assert.equal(event.status, status, what);
    assert.notEqual(event.reason, "", what);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});
