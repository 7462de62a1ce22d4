// A grant from the terminal's wish to its end (wire-protocol 8): the page names all of it, the
// terminal gets it and nothing else, and the person sees and ends what they have lent.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeToken } from "@postern/protocol";
import {
  type Answer,
  ada,
  type Browser,
  bob,
  formOf,
  headingOf,
  startTerminalFixture,
  type Terminal,
  type TerminalFixture,
} from "./terminal-fixture.ts";

const askHeading = "Lend a part of your access?";
const wish = {
  methods: ["GET", "POST"],
  paths: ["/v1/orders/*", "/v1/status"],
  count: 100,
  ttl: 1800,
  label: "release bot",
};
const start = (context: TestContext) =>
  startTerminalFixture(context, { settings: { settlingMs: 100 } });

/** Asks for a grant, approves it, and opens the box. */
async function lend(
  fixture: TerminalFixture,
  grant: object,
  browser: Browser,
): Promise<{ token: string; id: string; page: Answer; done: Answer; terminal: Terminal }> {
  const terminal = fixture.terminal({ orgToken: false });
  const opening = await terminal.opens({ grant });
  assert.equal(opening.status, 201, opening.body);
  const poll = terminal.poll();
  const page = await browser.open(terminal.shortUrl);
  assert.equal(headingOf(page), askHeading);
  const answering = browser.press(page, "approve");
  const box = terminal.open(await poll);
  assert.equal(box.org_token, "", "nothing that mints others");
  const token = box.app_token;
  const id = String(decodeToken(token).claims["jti"]);
  return { token, id, page, done: await answering, terminal };
}

const textOf = ({ body }: Answer) =>
  body
    .slice(body.indexOf("<main"))
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
const withToken = (token: string) => ({ headers: { "cf-access-token": token } });

test("the page names methods, each path, count, time, label and reach, and the terminal gets that alone", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const { token, page, id } = await lend(fixture, wish, browser);
  const text = textOf(page);
  for (const part of [
    `Application The &lt;b&gt;API&lt;/b&gt; only this one, at app.localhost:${fixture.port}`,
    "Methods GET, POST",
    "/v1/orders/* /v1/status and below",
    "Requests 100 requests at most",
    "Lasts 30 minutes",
    "Calls itself “release bot” in the terminal's own words",
    `Signed in as ${ada}`,
  ])
    assert.ok(text.includes(part), `${part}\n${text}`);
  assert.doesNotMatch(text, /every other application/);

  const { claims } = decodeToken(token);
  assert.equal(claims["type"], "grant");
  assert.equal(claims["email"], ada);
  assert.equal(Number(claims["exp"]) - Number(claims["iat"]), 1800);
  const url = fixture.app("app");
  assert.equal((await fixture.send(`${url}/v1/orders/7`, withToken(token))).status, 200);
  assert.equal((await fixture.send(`${url}/v2`, withToken(token))).status, 403);
  assert.deepEqual(fixture.originSaw, ["GET /v1/orders/7"]);
  const event = fixture.events.find((each) => each.event === "grant_approved");
  assert.ok(event?.event === "grant_approved");
  assert.deepEqual([event.grant, event.label], [id, "release bot"]);
  assert.ok(!fixture.events.some((each) => each.event === "terminal_approved"));
});

test("what a grant does not limit is said, too", async (context) => {
  const fixture = await start(context);
  const { page } = await lend(fixture, { ttl: 60 }, await fixture.browser());
  const text = textOf(page);
  for (const part of ["Methods every method", "every path", "Requests any number", "1 minute"])
    assert.ok(text.includes(part), `${part}\n${text}`);
  assert.doesNotMatch(text, /Calls itself/);
});

test("a grant ends with the session that approved it, and never lasts longer than policy lets a token last", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { settlingMs: 100 },
    application: { session_duration: "10m" },
  });
  const browser = await fixture.browser();
  const { token, page } = await lend(fixture, { ttl: 8 * 3600 }, browser);
  assert.match(textOf(page), /Lasts 10 minutes/);
  const { claims } = decodeToken(token);
  assert.equal(Number(claims["exp"]) - Number(claims["iat"]), 600);
  const use = () => fixture.send(`${fixture.app("app")}/`, withToken(token));
  assert.equal((await use()).status, 200);
  await fixture.parts.sessions.endAllOf(browser.session.user_id);
  const answer = await use();
  assert.equal(answer.status, 401);
  assert.equal(answer.headers["cf-access-error"], "revoked");
  assert.equal(fixture.originSaw.length, 1);
});

test("an opening that asks for a grant in a wrong way gets one clear line, and no mailbox", async (context) => {
  const fixture = await start(context);
  const wrong: object[] = [
    {},
    { ttl: 0 },
    { ttl: 28_801 },
    { ttl: 1.5 },
    { ttl: 60, methods: ["get"] },
    { ttl: 60, methods: ["CONNECT"] },
    { ttl: 60, paths: ["orders"] },
    { ttl: 60, paths: ["/a/../b"] },
    { ttl: 60, paths: Array(11).fill("/a") },
    { ttl: 60, count: 0 },
    { ttl: 60, label: "" },
    { ttl: 60, label: " bot" },
    { ttl: 60, label: "two\nlines" },
    { ttl: 60, label: "x".repeat(61) },
    { ttl: 60, label: "\u202eevil" },
    { ttl: 60, label: "a\u200bb" },
    { ttl: 60, label: "z\u0300\u0301\u0302\u0303" },
    // Letters, marks and symbols that show nothing.
    { ttl: 60, label: "\u3164" },
    { ttl: 60, label: "a\u115f\u1160b" },
    { ttl: 60, label: "a\uffa0b" },
    { ttl: 60, label: "a\u034fb" },
    { ttl: 60, label: "\u2800" },
    { ttl: 60, label: "a\ufe0fb\u{e0101}" },
    { ttl: 60, more: 1 },
  ];
  for (const grant of wrong) {
    const answer = await fixture.terminal({ orgToken: false }).opens({ grant });
    assert.equal(answer.status, 400, JSON.stringify(grant));
    const { error, message } = JSON.parse(answer.body);
    assert.equal(error, "bad_opening");
    assert.match(message, /^[^\n]{5,300}$/);
  }
  for (const label of ["⚙️ deploy", "Füße, Nr. 7", "発行ボット", "רובוט"]) {
    const answer = await fixture.terminal({ orgToken: false }).opens({ grant: { ttl: 60, label } });
    assert.equal(answer.status, 201, label);
  }
  const both = await fixture.terminal().opens({ grant: wish, send_org_token: true });
  assert.equal(both.status, 400, "a grant comes alone");
});

test("a label is shown as text, whatever it holds (L13)", async (context) => {
  const fixture = await start(context);
  const label = `<img src=x onerror="a('b')">&`;
  const { page } = await lend(fixture, { ttl: 60, label }, await fixture.browser());
  assert.ok(!page.body.includes("<img"));
  assert.ok(page.body.includes("&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;"));
});

test("the page is never left out for a grant, and the long address with the same key asks for the same", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { settlingMs: 100 },
    application: { skip_interstitial: true },
  });
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ orgToken: false });
  await terminal.opens({ grant: wish });
  const poll = terminal.poll();
  for (const url of [terminal.shortUrl, terminal.url])
    assert.equal(headingOf(await browser.open(url)), askHeading);
  const page = await browser.open(terminal.url);
  await browser.press(page, "approve");
  assert.equal(decodeToken(terminal.open(await poll).app_token).claims["type"], "grant");
});

test("a page that was shown for a mailbox approves no later one of the same key (C5)", async (context) => {
  const modest = { methods: ["GET"], paths: ["/status"], ttl: 60 };
  const later = [
    { what: "a wider grant", fields: { grant: { ttl: 3600 } } },
    { what: "the same grant from elsewhere", fields: { grant: modest } },
  ];
  for (const { what, fields } of later) {
    const fixture = await start(context);
    const browser = await fixture.browser();
    const terminal = fixture.terminal({ orgToken: false });
    await terminal.opens({ grant: modest });
    const firstPoll = terminal.poll();
    const page = await browser.open(terminal.shortUrl);
    assert.equal(headingOf(page), askHeading);

    // The mailbox runs out and is forgotten, and its key opens another.
    fixture.clock.ahead = 71 * 60_000;
    fixture.parts.releasePolls();
    await firstPoll;
    await fixture.parts.store.sweep(fixture.parts.now());
    assert.equal((await terminal.opens(fields)).status, 201, what);
    const poll = terminal.poll();
    await fixture.held(terminal);
    const shown = await browser.press(page, "approve");
    assert.equal(headingOf(shown), askHeading, `${what}: the person reads what it is now`);
    assert.deepEqual(await grantsOf(fixture, browser), [], what);
    await browser.press(shown, "approve");
    assert.notEqual(terminal.open(await poll).app_token, "", what);
  }
});

const grantsOf = ({ parts }: TerminalFixture, { session }: Browser) =>
  parts.store.grants.ofUser(session.user_id, parts.now());

test("who denies a grant, or may not use the application, lends nothing", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const denied = fixture.terminal({ orgToken: false });
  await denied.opens({ grant: wish });
  const poll = denied.poll();
  await browser.press(await browser.open(denied.shortUrl), "deny");
  assert.equal((await poll).status, 410);
  const refused = fixture.terminal({ host: "bob", orgToken: false });
  await refused.opens({ grant: wish });
  const waiting = refused.poll();
  assert.equal((await browser.open(refused.shortUrl)).status, 403);
  assert.equal((await waiting).status, 410);
  const grants = await fixture.parts.store.grants.ofUser(browser.session.user_id, 0);
  assert.deepEqual(grants, []);
});

test("the page after the approval ends the grant at once", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const { token, terminal } = await lend(fixture, wish, browser);
  const after = await browser.open(terminal.shortUrl);
  assert.equal(headingOf(after), "The grant is made");
  const { action, csrf } = formOf(after);
  const ended = await browser.get(`${fixture.team}${action}`, {
    method: "POST",
    body: new URLSearchParams({ csrf, answer: "end" }).toString(),
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
    },
  });
  assert.equal(headingOf(ended), "The grant has ended");
  const answer = await fixture.send(`${fixture.app("app")}/v1/status`, withToken(token));
  assert.equal(answer.status, 401);
  assert.deepEqual(fixture.originSaw, []);
});

test("a grant mints nothing and answers for nobody (T1)", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const { token } = await lend(fixture, { ttl: 600 }, browser);
  const { id: another } = await lend(fixture, { ttl: 600 }, browser);
  const app = `${fixture.app("app")}/cdn-cgi/access`;
  const team = `${fixture.team}/cdn-cgi/access`;
  const json = { ...withToken(token).headers, "content-type": "application/json" };
  const refusals: [string, Promise<Answer>][] = [
    ["pass", send(`${app}/pass`, "POST", { url_prefix: `${fixture.app("app")}/`, ttl: 60 })],
    ["get-identity", send(`${app}/get-identity`, "GET")],
    ["logout", send(`${app}/logout`, "POST")],
    ["logout on the team domain", send(`${team}/logout`, "POST")],
    ["grants", send(`${app}/grants`, "GET")],
    ["end of another grant", send(`${app}/grants/${another}`, "DELETE")],
    ["cert_sign", send(`${team}/cert_sign`, "POST", certificateRequest(token))],
  ];
  function send(url: string, method: string, body?: object): Promise<Answer> {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    return fixture.send(url, { method, headers: json, ...text });
  }
  for (const [what, answer] of refusals) {
    const { status } = await answer;
    assert.ok(status === 401 || status === 400 || status === 403, `${what}: ${status}`);
  }
  const login = await fixture.send(`${fixture.app("app")}/`);
  const exchange = await fixture.send(String(login.headers.location), {
    method: "HEAD",
    headers: { cookie: `CF_Authorization=${token}` },
  });
  assert.equal(exchange.headers.location, undefined, "the exchange");
  assert.equal((await fixture.send(`${fixture.app("app")}/`, withToken(token))).status, 200);
});

test("a grant ends itself with its own token, at its own host, and no other", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const { token, id } = await lend(fixture, { ttl: 600, label: "release bot" }, browser);
  const other = await lend(fixture, { ttl: 600 }, browser);
  const end = (host: string, which: string) =>
    fixture.send(`${host}/cdn-cgi/access/grants/${which}`, {
      method: "DELETE",
      ...withToken(token),
    });
  const app = fixture.app("app");
  for (const [host, which] of [
    [fixture.team, id],
    [fixture.app("bob"), id],
    [app, other.id],
    [app, "0000000000000000"],
  ] as const)
    assert.equal((await end(host, which)).status, 401, `${host} ${which}`);
  assert.equal((await grantsOf(fixture, browser)).length, 2);

  assert.equal((await end(app, id)).status, 204);
  assert.equal((await end(app, id)).status, 401, "it is not there any more");
  assert.deepEqual(
    (await grantsOf(fixture, browser)).map((each) => each.id),
    [other.id],
  );
  assert.equal((await fixture.send(`${app}/`, withToken(token))).status, 401);
  const ended = fixture.events.filter(({ event }) => event === "grant_ended");
  assert.equal(ended.length, 1);
  assert.partialDeepStrictEqual(ended[0], {
    grant: id,
    label: "release bot",
    aud: fixture.aud("app"),
  });
});

function certificateRequest(jwt: string) {
  return { public_key: "ssh-ed25519 AAAA", jwt, issuer: "http://login.localhost" };
}

test("a person sees on the team domain what they have lent, and ends it with a click of their own", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const home = () => browser.get(`${fixture.team}/`);
  assert.doesNotMatch((await home()).body, /You have lent/);
  const { token, id } = await lend(fixture, wish, browser);
  const other = await lend(fixture, { ttl: 600 }, browser);
  assert.match((await home()).body, /You have lent 2 grants/);

  const url = `${fixture.team}/cdn-cgi/access/grants`;
  const page = await browser.get(url);
  assert.equal(page.status, 200);
  const text = textOf(page);
  for (const part of ["“release bot” at", "GET, POST", "/v1/orders/*", "Left 100 requests", id])
    assert.ok(text.includes(part), `${part}\n${text}`);
  const { csrf } = formOf(page);
  const press = (fields: Record<string, string>, site = "same-origin") =>
    browser.get(url, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": site },
    });
  for (const attempt of [
    press({ grant: id }),
    press({ grant: id, csrf: "x" }),
    press({ grant: id, csrf }, "cross-site"),
  ])
    assert.equal((await attempt).status, 400);
  const use = (lent: string) => fixture.send(`${fixture.app("app")}/v1/status`, withToken(lent));
  assert.equal((await use(token)).status, 200);
  const ended = await press({ grant: id, csrf });
  assert.deepEqual([ended.status, ended.headers.location], [303, "/cdn-cgi/access/grants"]);
  assert.equal((await use(token)).status, 401);
  assert.equal((await use(other.token)).status, 200);
  assert.ok(!textOf(await browser.get(url)).includes(id));
  const bobs = await fixture.browser(bob);
  assert.match(textOf(await bobs.get(url)), /You have lent nothing/);
  assert.equal((await fixture.send(url)).status, 401);
});

test("a terminal lists the grants of its application's host as JSON, and ends one by its id", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const { token: lent, id } = await lend(fixture, wish, browser);
  const tokenFor = async (name: string, person: Browser) => {
    const application = fixture.parts.catalogs.current().applicationByAud.get(fixture.aud(name));
    assert.ok(application);
    return fixture.parts.tokens.issueApp(person.session, application, 36e5);
  };
  const own = await tokenFor("app", browser);
  const bobs = await fixture.browser(bob);
  const url = `${fixture.app("app")}/cdn-cgi/access/grants`;
  const listed = await fixture.send(url, withToken(own));
  assert.equal(listed.status, 200);
  assert.match(String(listed.headers["cache-control"]), /no-store/);
  const [grant, ...others] = JSON.parse(listed.body).grants;
  assert.deepEqual(others, []);
  const { created_at, expires_at, ...rest } = grant;
  assert.equal(new Date(expires_at).getTime() - new Date(created_at).getTime(), 1_800_000);
  assert.deepEqual(rest, {
    id,
    application: "The <b>API</b>",
    aud: fixture.aud("app"),
    url: `${fixture.app("app")}/`,
    methods: wish.methods,
    paths: wish.paths,
    count: 100,
    uses_left: 100,
    label: "release bot",
  });
  assert.deepEqual(
    JSON.parse((await fixture.send(url, withToken(await tokenFor("app", bobs)))).body).grants,
    [],
  );
  const elsewhere = `${fixture.app("bob")}/cdn-cgi/access/grants`;
  const ofBobs = await fixture.send(elsewhere, withToken(await tokenFor("bob", bobs)));
  assert.deepEqual(JSON.parse(ofBobs.body).grants, [], "another host's");

  const end = (token: string | undefined, which = id) =>
    fixture.send(`${url}/${which}`, {
      method: "DELETE",
      headers: token === undefined ? {} : { "cf-access-token": token },
    });
  assert.equal((await end(undefined)).status, 401);
  const bobsGrant = await lend(fixture, { ttl: 60 }, bobs);
  assert.equal((await end(bobsGrant.token)).status, 401, "another grant");
  assert.equal((await end(await tokenFor("app", bobs))).status, 404, "somebody else's");
  assert.equal((await end(own, "0".repeat(16))).status, 404);
  const cookie = { cookie: `CF_Authorization=${own}` };
  const byPage = await fixture.send(`${url}/${id}`, { method: "DELETE", headers: cookie });
  assert.equal(byPage.status, 401, "a page's script");
  assert.equal((await end(own)).status, 204);
  assert.equal((await end(own)).status, 404);
  assert.equal(
    (await fixture.send(`${fixture.app("app")}/v1/status`, withToken(lent))).status,
    401,
  );
  assert.deepEqual(fixture.originSaw, []);
});
