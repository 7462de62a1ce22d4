// Passes: what mints one, what it is good for, and that nothing else mints one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeToken } from "@postern/protocol";
import { ada, startTerminalFixture, type TerminalFixture } from "./terminal-fixture.ts";

async function personWithToken(fixture: TerminalFixture, email = ada) {
  const browser = await fixture.browser(email);
  const application = fixture.parts.catalogs.current().applicationByAud.get(fixture.aud("app"));
  assert.ok(application);
  return {
    browser,
    application,
    token: await fixture.parts.tokens.issueApp(browser.session, application, 36e5),
  };
}

function ask(
  fixture: TerminalFixture,
  token: string | string[] | undefined,
  body: unknown,
  host = "app",
) {
  return fixture.send(`${fixture.app(host)}/cdn-cgi/access/pass`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { "cf-access-token": token }),
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

test("a person's token mints a pass for one URL prefix and a few minutes, and the pass opens that alone", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { browser, token } = await personWithToken(fixture);
  const answer = await ask(fixture, token, { url_prefix: `${fixture.app("app")}/v1/`, ttl: 600 });
  assert.equal(answer.status, 200, answer.body);
  assert.match(String(answer.headers["cache-control"]), /no-store/);
  const { token: pass, expires_at } = JSON.parse(answer.body) as {
    token: string;
    expires_at: string;
  };
  const claims = decodeToken(pass).claims;
  assert.equal(claims["type"], "pass");
  assert.equal(claims["identity_nonce"], browser.session.id);
  assert.equal(new Date(expires_at).getTime(), Number(claims["exp"]) * 1000);
  assert.ok(Number(claims["exp"]) - Number(claims["iat"]) <= 600);

  assert.equal(
    (await fixture.send(`${fixture.app("app")}/v1/orders?token=${pass}&open=1`)).status,
    200,
  );
  assert.deepEqual(fixture.originSaw, ["GET /v1/orders?open=1"]);
  for (const url of [
    `${fixture.app("app")}/v2/orders`,
    `${fixture.app("app")}/v1x`,
    `${fixture.app("app")}/`,
    `${fixture.app("bob")}/v1/orders`,
  ]) {
    const refused = await fixture.send(`${url}?token=${pass}`, {
      headers: { accept: "application/json" },
    });
    assert.equal(refused.status, 401, url);
  }
  assert.equal(fixture.originSaw.length, 1);
});

test("a pass dies after its time and with the session", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { browser, token } = await personWithToken(fixture);
  const mint = async (ttl: number) =>
    (
      JSON.parse((await ask(fixture, token, { url_prefix: fixture.app("app"), ttl })).body) as {
        token: string;
      }
    ).token;
  const short = await mint(1);
  const long = await mint(600);
  fixture.clock.ahead = 2_000;
  const use = async (pass: string) =>
    (await fixture.send(`${fixture.app("app")}/x?token=${pass}`)).status;
  assert.equal(await use(short), 401);
  assert.equal(await use(long), 200);
  await fixture.parts.sessions.end(browser.session.id);
  assert.equal(await use(long), 401);
  assert.equal(fixture.originSaw.length, 1);
});

test("a pass may be narrowed to methods, paths and a number of requests", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { token } = await personWithToken(fixture);
  const answer = await ask(fixture, token, {
    url_prefix: `${fixture.app("app")}/v1/`,
    ttl: 600,
    methods: ["GET", "HEAD", "GET"],
    paths: ["/v1/orders/*", "/v1/%c3%a9/"],
    count: 2,
  });
  assert.equal(answer.status, 200, answer.body);
  const { token: pass } = JSON.parse(answer.body) as { token: string };
  const { methods, paths, count } = decodeToken(pass).claims;
  assert.deepEqual(
    { methods, paths, count },
    { methods: ["GET", "HEAD"], paths: ["/v1/orders/*", "/v1/%C3%A9"], count: 2 },
  );
  const use = async (path: string, method = "GET") =>
    (await fixture.send(`${fixture.app("app")}${path}?token=${pass}`, { method })).status;
  assert.equal(await use("/v1/users"), 403);
  assert.equal(await use("/v1/orders/7", "POST"), 403);
  assert.deepEqual(fixture.originSaw, []);
  assert.deepEqual(
    [await use("/v1/orders/7"), await use("/v1/%C3%A9/x"), await use("/v1/orders/7")],
    [200, 200, 403],
  );
  assert.deepEqual(fixture.originSaw, ["GET /v1/orders/7", "GET /v1/%C3%A9/x"]);
});

test("a bad body gets one clear line and no pass", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { token } = await personWithToken(fixture);
  const url_prefix = `${fixture.app("app")}/v1/`;
  const bodies: unknown[] = [
    "",
    "{",
    "[]",
    "null",
    {},
    { url_prefix },
    { url_prefix, ttl: 0 },
    { url_prefix, ttl: 601 },
    { url_prefix, ttl: 1.5 },
    { url_prefix, ttl: "600" },
    { url_prefix, ttl: 600, more: 1 },
    { url_prefix, ttl: 600, methods: [] },
    { url_prefix, ttl: 600, methods: "GET" },
    { url_prefix, ttl: 600, methods: ["get"] },
    { url_prefix, ttl: 600, methods: Array(11).fill("GET") },
    { url_prefix, ttl: 600, paths: [] },
    { url_prefix, ttl: 600, paths: ["v1"] },
    { url_prefix, ttl: 600, paths: ["/v1/../v2"] },
    { url_prefix, ttl: 600, paths: ["/v1?a=b"] },
    { url_prefix, ttl: 600, paths: ["/v1/**"] },
    { url_prefix, ttl: 600, paths: ["/".repeat(201)] },
    { url_prefix, ttl: 600, count: 0 },
    { url_prefix, ttl: 600, count: 1.5 },
    { url_prefix, ttl: 600, count: 1_000_001 },
    { url_prefix, ttl: 600, label: "x" },
    { url_prefix: 7, ttl: 600 },
    { url_prefix: "x".repeat(9000), ttl: 600 },
  ];
  for (const body of bodies) {
    const answer = await ask(fixture, token, body);
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 80));
    assert.equal(typeof (JSON.parse(answer.body) as { message: string }).message, "string");
  }
});

test("a prefix on another scheme, host, port or with tricks in it is refused (L1, P3)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { token } = await personWithToken(fixture);
  const host = `app.localhost:${fixture.port}`;
  const prefixes = [
    `https://${host}/`,
    "http://app.localhost/",
    `http://app.localhost:${fixture.port + 1}/`,
    `http://bob.localhost:${fixture.port}/`,
    `http://user@${host}/`,
    `http://${host}@evil.test/`,
    `http://${host}/?a=b`,
    `http://${host}/#x`,
    `http://${host}/v1%2f..%2fadmin`,
    `http://${host}/a\\b`,
    `http://${host}/%00`,
    `//${host}/`,
    "javascript:alert(1)",
    "/v1/",
  ];
  for (const url_prefix of prefixes)
    assert.equal((await ask(fixture, token, { url_prefix, ttl: 60 })).status, 400, url_prefix);
  const dots = await ask(fixture, token, { url_prefix: `http://${host}/v1/../v2/`, ttl: 60 });
  if (dots.status === 200)
    assert.equal(
      decodeToken((JSON.parse(dots.body) as { token: string }).token).claims["htu"],
      `http://${host}/v2/`,
    );
  else assert.equal(dots.status, 400);
});

test("nothing but a person's token of this very application mints a pass (T1, T2)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { browser, application, token } = await personWithToken(fixture);
  const body = { url_prefix: `${fixture.app("app")}/v1/`, ttl: 60 };
  const pass = (JSON.parse((await ask(fixture, token, body)).body) as { token: string }).token;
  const bobs = fixture.parts.catalogs.current().applicationByAud.get(fixture.aud("bob"));
  assert.ok(bobs);
  const others = {
    pass,
    org: await fixture.parts.tokens.issueOrg(browser.session),
    service: await fixture.parts.tokens.serviceAssertion(application, "id.access"),
    "another application's": await fixture.parts.tokens.issueApp(browser.session, bobs, 36e5),
    garbage: "a.b.c",
    empty: "",
  };
  for (const [what, other] of Object.entries(others))
    assert.equal((await ask(fixture, other, body)).status, 401, what);
  assert.equal((await ask(fixture, undefined, body)).status, 401);
  assert.equal((await ask(fixture, [token, token], body)).status, 400, "twice");
  const cookie = await fixture.send(`${fixture.app("app")}/cdn-cgi/access/pass`, {
    method: "POST",
    headers: { cookie: `CF_Authorization=${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(cookie.status, 401, "a cookie is sent by any page's form");
  assert.equal((await ask(fixture, token, body, "login")).status, 404, "not on the team domain");
  assert.equal(
    (
      await fixture.send(`${fixture.app("app")}/cdn-cgi/access/pass`, {
        headers: { "cf-access-token": token },
      })
    ).status,
    404,
  );
});

test("policy is asked before a pass is made", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const bobs = fixture.parts.catalogs.current().applicationByAud.get(fixture.aud("bob"));
  assert.ok(bobs);
  const token = await fixture.parts.tokens.issueApp(browser.session, bobs, 36e5);
  const answer = await ask(
    fixture,
    token,
    { url_prefix: `${fixture.app("bob")}/`, ttl: 60 },
    "bob",
  );
  assert.equal(answer.status, 403);
});
