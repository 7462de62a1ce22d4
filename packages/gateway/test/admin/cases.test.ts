// Ways in which administration has been attacked elsewhere (docs/cases.md): what opens it, what
// ends somebody's session, what lets in everybody, and what it gives away.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { freePort } from "../../../../test/support/gateway.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { startGrant } from "../../src/tokens/start-grant.ts";
import { ada, application, bob, everybody, hour, machines } from "../access/access-fixture.ts";
import { identityOf } from "../tokens/token-fixture.ts";
import { type AdminFixture, type ApiClient, resultOf, startAdminFixture } from "./admin-fixture.ts";

const sections = {
  applications: [
    application("app", [everybody, machines], {
      cors_headers: { allowed_origins: ["https://front.example"], allow_credentials: true },
    }),
    application("other", [everybody]),
  ],
};

async function signIn({ gateway: { parts } }: AdminFixture, email = ada) {
  const session = await parts.sessions.start({
    ...{ kind: "browser", identity: identityOf(email), userAgent: "Firefox", lifetimeMs: hour },
  });
  const [target] = parts.catalogs.current().applications;
  assert.ok(target !== undefined);
  return { session, target, token: await parts.tokens.issueApp(session, target, hour) };
}

/** The answer of the application; the origin sees what passes alone. */
async function ask({ gateway, upstream }: AdminFixture, lines: readonly string[]) {
  upstream.reset();
  const host = `Host: app.localhost:${gateway.port}`;
  const answer = await rawRequest(gateway.port, "GET / HTTP/1.1", [host, ...lines]);
  assert.equal(upstream.requests.length, answer.status === 200 ? 1 : 0);
  return answer;
}

test("metrics that others reach are for an admin token, and for no credential of people or programs (T2)", async (context) => {
  const port = await freePort();
  const fixture = await startAdminFixture(context, {
    ...sections,
    admin: { listen: `0.0.0.0:${port}` },
    trusted_proxies: ["192.0.2.1"],
  });
  const { tokens } = fixture.gateway.parts;
  const { session, token } = await signIn(fixture);
  const url = `http://127.0.0.1:${port}/metrics`;
  const statusOf = async (headers: Record<string, string>) =>
    (await fetch(url, { headers })).status;
  assert.equal(await statusOf({ authorization: `Bearer ${fixture.api.secret}` }), 200);
  for (const credential of [token, await tokens.issueOrg(session), fixture.api.secret.slice(0, -1)])
    for (const headers of [
      { authorization: `Bearer ${credential}` },
      { "cf-access-token": credential },
      { cookie: `CF_Authorization=${credential}` },
    ] as Record<string, string>[])
      assert.equal(await statusOf(headers), 401);
});

test("a token that is to be unpacked or decrypted is nothing to the admin API, and is not read (T6)", async (context) => {
  const { ask: askAdmin, accountId } = await startAdminFixture(context);
  const json = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const bombs = [
    `${json({ alg: "dir", enc: "A128GCM", zip: "DEF" })}..aaaa.${"b".repeat(12_000)}.cccc`,
    `${json({ alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 1e9, p2s: "c2FsdA" })}.a.b.c.d`,
    `${json({ alg: "none" })}.${json({ sub: ada })}.`,
  ];
  for (const bomb of bombs) {
    const headers = { authorization: `Bearer ${bomb}` };
    const path = `/client/v4/accounts/${accountId}/access/users`;
    assert.equal((await askAdmin(path, { headers })).status, 401);
  }
});

test("nobody without an admin token ends a session or revokes an application, whatever page asks for it (T16)", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { accountId, address } = fixture;
  const { session, target, token } = await signIn(fixture);
  const account = `${address}/client/v4/accounts/${accountId}`;
  const paths = [
    ["POST", "/access/organizations/revoke_user"],
    ["GET", `/access/organizations/revoke_user?email=${ada}`],
    ["POST", `/access/apps/${target.id}/revoke_tokens`],
    ["GET", `/access/apps/${target.id}/revoke_tokens`],
    ["DELETE", `/access/users/${session.user_id}/active_sessions/${session.id}`],
    ["DELETE", `/access/users/${session.user_id}`],
    ["POST", "/access/keys/rotate"],
  ] as const;
  const pages: Record<string, string>[] = [
    { cookie: `CF_Authorization=${token}`, origin: "https://evil.example" },
    { cookie: `CF_Authorization=${token}`, "sec-fetch-site": "cross-site" },
    { cookie: `CF_Authorization=${token}`, "content-type": "text/plain" },
    { "cf-access-token": token },
    {},
  ];
  for (const [method, path] of paths)
    for (const headers of pages) {
      const body = method === "POST" ? { body: JSON.stringify({ email: ada }) } : {};
      const { status } = await fetch(account + path, { method, headers, ...body });
      assert.ok([401, 403, 404].includes(status), `${method} ${path}: ${status}`);
    }
  // With a token, too, what is asked for by GET ends nothing.
  for (const [method, path] of paths.filter(([name]) => name === "GET"))
    assert.equal((await fixture.api.get(path)).status, 405, `${method} ${path}`);
  assert.equal((await ask(fixture, [`cf-access-token: ${token}`])).status, 200);
});

test("a script whose session was revoked is told 401 with CORS, and gets neither redirect nor cookie (L21)", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { token } = await signIn(fixture);
  const script = [
    `Cookie: CF_Authorization=${token}`,
    ...["Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site", "Origin: https://front.example"],
  ];
  assert.equal((await ask(fixture, script)).status, 200);
  resultOf(await fixture.api.post("/access/organizations/revoke_user", { email: ada }));
  const { status, headers } = await ask(fixture, script);
  assert.equal(status, 401);
  assert.equal(headers["access-control-allow-origin"], "https://front.example");
  assert.ok(headers["www-authenticate"]);
  assert.deepEqual([headers["location"], headers["set-cookie"]], [undefined, undefined]);
});

test("what was found out of one token counts for no other, of an application, a person or an administrator (T7)", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, clientWith } = fixture;
  const adas = await signIn(fixture);
  const bobs = await signIn(fixture, bob);
  for (const { token } of [adas, bobs, adas])
    assert.equal((await ask(fixture, [`cf-access-token: ${token}`])).status, 200);
  const reader = await clientWith(["population:read"]);
  const path = `/access/users/${adas.session.user_id}`;
  resultOf(await api.get(path));
  resultOf(await reader.get(path));
  // The rights of the token before are not those of the next one, and back again.
  assert.equal((await reader.put(path, { email: ada, name: "x" })).status, 403);
  resultOf(await api.delete(`${path}/active_sessions/${adas.session.id}`));
  assert.equal((await reader.delete(`${path}/active_sessions/${adas.session.id}`)).status, 403);
  assert.equal((await ask(fixture, [`cf-access-token: ${adas.token}`])).status, 401);
  assert.equal((await ask(fixture, [`cf-access-token: ${bobs.token}`])).status, 200);
});

test("a key is rotated by the API, and what the one before has signed holds as long as it is published (T19)", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const { session, target, token } = await signIn(fixture);
  resultOf(await api.post("/access/keys/rotate"));
  const { tokens } = gateway.parts;
  const later = await tokens.issueApp(session, target, hour);
  const kidOf = (text: string) =>
    JSON.parse(Buffer.from(text.split(".")[0] ?? "", "base64url").toString()).kid;
  assert.notEqual(kidOf(later), kidOf(token));
  for (const each of [token, later]) {
    assert.ok(tokens.certs().includes(kidOf(each)), "both keys are published");
    assert.equal((await ask(fixture, [`cf-access-token: ${each}`])).status, 200);
  }
});

test("nothing that is empty lets in everybody, whichever way it comes to the API (L11)", async (context) => {
  const { api } = await startAdminFixture(context, sections);
  const empties = [
    { include: [] },
    { include: [{}] },
    { include: [{ email: {} }] },
    { include: [{ email: { email: "" } }] },
    { include: [{ email_domain: { domain: "" } }] },
    { include: [{ email_domain: { domain: "@" } }] },
    { include: [{ group: { id: "" } }] },
    { include: [{ ip: { ip: "" } }] },
    { include: [{ service_token: { token_id: "" } }] },
    { include: [{ email_list: { id: "" } }] },
  ];
  const before = resultOf(await api.get("/access/groups")).length;
  for (const rules of empties) {
    const what = JSON.stringify(rules);
    assert.equal((await api.post("/access/groups", { name: "g", ...rules })).status, 400, what);
    const policy = { name: "p", decision: "allow", ...rules };
    assert.equal((await api.post("/access/policies", policy)).status, 400, what);
    const app = { name: "a", type: "self_hosted", domain: "a.localhost", policies: [policy] };
    assert.equal((await api.post("/access/apps", app)).status, 400, what);
  }
  assert.equal(resultOf(await api.get("/access/groups")).length, before);
  for (const domain of ["", " ", "."])
    assert.equal(
      (await api.post("/access/apps", { name: "a", type: "self_hosted", domain })).status,
      400,
      `domain ${JSON.stringify(domain)}`,
    );
});

test("a list without items lets in nobody (L11)", async (context) => {
  const fixture = await startAdminFixture(context, { applications: [] });
  const { api, gateway } = fixture;
  const list = resultOf(await api.post("/gateway/lists", { name: "empty", type: "EMAIL" }), 201);
  const policy = { name: "p", decision: "allow", include: [{ email_list: { id: list.id } }] };
  resultOf(
    await api.post("/access/apps", {
      ...{ name: "app", type: "self_hosted", domain: "app.localhost", policies: [policy] },
    }),
    201,
  );
  const { token } = await signIn(fixture);
  assert.equal((await ask(fixture, [`cf-access-token: ${token}`])).status, 403);
  assert.equal(gateway.parts.catalogs.current().applications.length, 1);
});

test("no list and no object of the API holds a secret, a hash of one or somebody's token (L17)", async (context) => {
  const clientSecret = "the provider's own secret 5e1f";
  const fixture = await startAdminFixture(context, {
    ...sections,
    service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: "of the file 77" }],
  });
  const { api, gateway, ask: askAdmin, accountId, clientWith } = fixture;
  const { session, target, token } = await signIn(fixture);
  const made = resultOf(await api.post("/access/service_tokens", { name: "made" }), 201);
  const { id: providerId } = resultOf(
    await api.post("/access/identity_providers", {
      ...{ name: "SSO", type: "oidc" },
      config: {
        ...{ client_id: "postern", client_secret: clientSecret },
        issuer: "https://idp.example.test",
      },
    }),
    201,
  );
  const lent = await startGrant(
    { ...gateway.parts, randomBytes },
    {
      ...{ application: target, htu: `${gateway.origin("app.localhost")}/`, scope: {} },
      ...{ label: "ci", lifetimeMs: hour, parent: session, userAgent: "ci" },
    },
  );
  await api.post(`/access/apps/${target.id}/ca`);
  const reader: ApiClient = await clientWith(["population:read"]);
  resultOf(await reader.get("/access/users"));
  const [robot] = [...gateway.parts.catalogs.current().serviceTokenByClientId.values()];
  const secrets = {
    "a person's token": token,
    "a grant": lent.token,
    "the secret of a service token": made.client_secret,
    "that of the file": "of the file 77",
    "its hash": robot?.client_secret_hash ?? "none",
    "a provider's secret": clientSecret,
    "an admin token": reader.secret,
    "its end": reader.secret.slice(-20),
    "a private key": "PRIVATE KEY",
    "a private part of a JWK": '"d":',
  };
  const { paths } = JSON.parse(await (await askAdmin("/client/v4/openapi.json")).text()) as {
    paths: Record<string, Record<string, object>>;
  };
  const ids: Record<string, string> = {
    "/access/users": session.user_id,
    "/access/apps": target.id,
    "/access/service_tokens": made.id,
    "/access/identity_providers": providerId,
  };
  const gets = Object.entries(paths).filter(([, item]) => "get" in item);
  let count = 0;
  for (const [path] of gets) {
    const below = Object.keys(ids).find((each) => path.includes(`${each}/{`));
    const url = path
      .replace("{account_id}", accountId)
      .replace("{nonce}", session.id)
      .replaceAll(/\{\w+\}/g, ids[below ?? ""] ?? "none");
    const headers = { authorization: `Bearer ${api.secret}` };
    const answer = await askAdmin(url, { headers });
    const text = await answer.text();
    if (answer.ok) count++;
    for (const [what, secret] of Object.entries(secrets))
      assert.ok(!text.includes(secret), `${url} holds ${what}`);
  }
  assert.ok(count > 20, `${count} answers were looked at`);
});
