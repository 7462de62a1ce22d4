// Who gets to the admin API at all: programs with a token that is known, by a name that is this
// machine's, and no page in a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { createAdminToken } from "../../src/admin/tokens/admin-tokens.ts";
import { identityOf } from "../login/login-fixture.ts";
import { readAnswer, resultOf, startAdminFixture } from "./admin-fixture.ts";

const staff = { name: "Staff", include: [{ email_domain: { domain: "example.com" } }] };

test("whoever has no token, or one that is none of ours, is told nothing but that (case T2)", async (context) => {
  const { ask, accountId, api, gateway } = await startAdminFixture(context);
  const path = `/client/v4/accounts/${accountId}/access/groups`;
  const session = await gateway.parts.sessions.start({
    kind: "browser",
    identity: identityOf("ada@example.com"),
    userAgent: "test",
    lifetimeMs: 36e5,
  });
  const orgToken = await gateway.parts.tokens.issueOrg(session);
  const slip = `${api.secret.slice(0, -1)}${api.secret.endsWith("0") ? "1" : "0"}`;
  const credentials = [
    undefined,
    "Bearer",
    "Bearer x",
    `Basic ${btoa(`x:${api.secret}`)}`,
    `Bearer ${orgToken}`,
    `Bearer ${slip}`,
    api.secret,
  ];
  for (const authorization of credentials) {
    for (const place of [path, "/client/v4/nothing", "/"]) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await readAnswer(await ask(place, { headers }));
      assert.equal(answer.status, 401, `${authorization} ${place}`);
      assert.equal(answer.errors.length, 1);
      assert.equal(answer.headers.get("x-should-retry"), "false");
    }
  }
  const cookie = await ask(path, { headers: { cookie: `CF_Authorization=${orgToken}` } });
  assert.equal(cookie.status, 401, "a cookie is nothing here");
});

test("a token counts until it is revoked or over", async (context) => {
  const { api, gateway, ask, accountId } = await startAdminFixture(context);
  const path = `/client/v4/accounts/${accountId}/access/groups`;
  const wish = { name: "short", permissions: ["organizations:read"] as const };
  const expiresAt = Date.now() + 60_000;
  const { secret } = await createAdminToken({ ...wish, expiresAt }, gateway.parts);
  const { secret: other, token } = await createAdminToken(wish, gateway.parts);
  const statusOf = async (bearer: string) =>
    (await ask(path, { headers: { authorization: `Bearer ${bearer}` } })).status;
  assert.equal(await statusOf(secret), 200);
  gateway.clock.ahead = 61_000;
  assert.equal(await statusOf(secret), 401);
  assert.equal(await statusOf(other), 200);
  await gateway.parts.store.adminTokens.remove(token.id);
  assert.equal(await statusOf(other), 401);
  resultOf(await api.get("/access/groups"));
});

test("who guesses tokens is slowed down and logged, and keeps nobody out who is in", async (context) => {
  const { api, gateway, ask, accountId } = await startAdminFixture(context);
  resultOf(await api.get("/access/groups"));
  const path = `/client/v4/accounts/${accountId}/access/groups`;
  const statuses = new Set<number>();
  for (let index = 0; index < 60; index++) {
    const { secret } = await createAdminToken({ name: "x", permissions: [] }, gateway.parts);
    const [token] = (await gateway.parts.store.adminTokens.all()).slice(-1);
    await gateway.parts.store.adminTokens.remove(token?.id ?? "");
    const { status } = await ask(path, { headers: { authorization: `Bearer ${secret}` } });
    statuses.add(status);
  }
  assert.deepEqual([...statuses], [401, 429]);
  resultOf(await api.get("/access/groups"));
  const refusals = gateway.events.filter(({ event }) => event === "admin_refused");
  assert.ok(refusals.length >= 10 && refusals.length <= 60);
});

test("a name that leads to this machine from outside is refused, and so is a page of another origin (case W5)", async (context) => {
  const { api, adminPort, accountId, gateway } = await startAdminFixture(context);
  const path = `/client/v4/accounts/${accountId}/access/groups`;
  const bearer = `Authorization: Bearer ${api.secret}`;
  const own = `Host: 127.0.0.1:${adminPort}`;
  const statusOf = async (...lines: string[]) =>
    (await rawRequest(adminPort, `GET ${path} HTTP/1.1`, [bearer, ...lines])).status;
  for (const host of ["127.0.0.1", `localhost:${adminPort}`, "[::1]", own.slice(6)])
    assert.equal(await statusOf(`Host: ${host}`), 200, host);
  for (const host of ["evil.test", `evil.test:${adminPort}`, "127.0.0.1.evil.test", "10.0.0.1"])
    assert.equal(await statusOf(`Host: ${host}`), 403, host);
  assert.equal(await statusOf(own, "Origin: https://evil.test"), 403);
  assert.equal(await statusOf(own, "Origin: null"), 403);
  assert.equal(await statusOf(own, `Origin: http://127.0.0.1:${adminPort}`), 200);
  for (const site of ["cross-site", "same-site"])
    assert.equal(await statusOf(own, `Sec-Fetch-Site: ${site}`), 403, site);

  const preflight = await rawRequest(adminPort, `OPTIONS ${path} HTTP/1.1`, [bearer, own]);
  assert.equal(preflight.status, 405);
  assert.doesNotMatch(preflight.raw, /access-control/i, "no page is let in by CORS");
  assert.deepEqual(gateway.parts.catalogs.current().groups.size, 0);
});

test("a body that is too large, too deep, no JSON or of another type is refused", async (context) => {
  const { api, address, accountId } = await startAdminFixture(context);
  const url = `${address}/client/v4/accounts/${accountId}/access/groups`;
  const send = async (body: string, type = "application/json") => {
    const headers = { authorization: `Bearer ${api.secret}`, "content-type": type };
    return readAnswer(await fetch(url, { method: "POST", headers, body }));
  };
  assert.equal((await send(JSON.stringify(staff), "text/plain")).status, 415);
  assert.equal((await send(JSON.stringify(staff), "application/json-patch+json")).status, 415);
  assert.equal((await send("{")).status, 400);
  assert.equal((await send("[]")).status, 400);
  assert.equal((await send(`{"a":${"[".repeat(1000)}${"]".repeat(1000)}}`)).status, 400);
  const large = JSON.stringify({ ...staff, name: "x".repeat(1_100_000) });
  assert.equal((await send(large)).status, 413);
  assert.deepEqual(resultOf(await api.get("/access/groups")), []);
  assert.equal((await send(JSON.stringify(staff), "application/json; charset=utf-8")).status, 201);
});

test("a body that is made to be read slowly keeps nobody waiting", async (context) => {
  const { api, address, accountId } = await startAdminFixture(context);
  const url = `${address}/client/v4/accounts/${accountId}/access/groups`;
  const headers = { authorization: `Bearer ${api.secret}`, "content-type": "application/json" };
  const send = async (body: string | Uint8Array<ArrayBuffer>) =>
    (await fetch(url, { method: "POST", headers, body })).status;
  // Of a text without an end, each quotation mark could be tried as the beginning of another one:
  // a megabyte of them took a quarter of an hour.
  assert.equal(await send(`"${'\\"'.repeat(500_000)}`), 400);
  const brackets = `${"[".repeat(1_000)}\\"${"{".repeat(1_000)}`;
  assert.equal(await send(JSON.stringify({ ...staff, name: brackets.slice(0, 300) })), 201);
  const [head = "", tail = ""] = JSON.stringify({ ...staff, name: "A?B" }).split("?");
  const bytes = Buffer.concat([Buffer.from(head), Buffer.from([0xff]), Buffer.from(tail)]);
  assert.equal(await send(new Uint8Array(bytes)), 400);
});

test("the public listener answers nothing of the API", async (context) => {
  const { api, gateway, accountId } = await startAdminFixture(context);
  const path = `/client/v4/accounts/${accountId}/access/groups`;
  const headers = { authorization: `Bearer ${api.secret}` };
  for (const host of ["login.localhost", "127.0.0.1"]) {
    const lines = [`Host: ${host}:${gateway.port}`, `Authorization: ${headers.authorization}`];
    const { status } = await rawRequest(gateway.port, `GET ${path} HTTP/1.1`, lines);
    assert.ok(status >= 400, `${host}: ${status}`);
  }
});
