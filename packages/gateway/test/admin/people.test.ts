// People, their sessions and their revocation by the API, and the keys and authorities beside them.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { until } from "../../../../test/support/until.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { startGrant } from "../../src/tokens/start-grant.ts";
import { ada, application, bob, everybody, hour } from "../access/access-fixture.ts";
import { identityOf } from "../tokens/token-fixture.ts";
import { type AdminFixture, readAnswer, resultOf, startAdminFixture } from "./admin-fixture.ts";

const sections = {
  applications: [application("app", [everybody]), application("other", [everybody])],
};
const users = "/access/users";
const revokeUser = "/access/organizations/revoke_user";

function begin(
  { gateway: { parts } }: AdminFixture,
  email: string,
  parent?: StoredSession,
): Promise<StoredSession> {
  const lifetimeMs = 2 * hour;
  const identity = identityOf(email, { department: "tools" });
  const own = parent === undefined ? {} : { parent };
  const kind = parent === undefined ? "browser" : "terminal";
  return parts.sessions.start({ kind, identity, userAgent: "Firefox", lifetimeMs, ...own });
}

/** An application of the file by its host, with a token of the session for it. */
async function tokenAt({ gateway: { parts } }: AdminFixture, session: StoredSession, name = "app") {
  const target = parts.catalogs.current().applications.find((each) => each.name === name);
  assert.ok(target !== undefined);
  return { target, token: await parts.tokens.issueApp(session, target, hour) };
}

/** The status of a request with a token; the origin sees those that pass alone. */
async function ask({ gateway, upstream }: AdminFixture, token: string, host = "app.localhost") {
  upstream.reset();
  const lines = [`Host: ${host}`, `cf-access-token: ${token}`];
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", lines);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
  return status;
}

test("people are listed, found, made, renamed and removed", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api } = fixture;
  const session = await begin(fixture, ada);
  const [listed] = resultOf(await api.get(users));
  assert.equal(listed.id, session.user_id);
  assert.equal(listed.uid, session.user_id);
  assert.equal(listed.email, ada);
  assert.equal(listed.access_seat, true);
  assert.match(listed.last_successful_login, /^\d{4}-/);

  const made = resultOf(await api.post(users, { email: "Carol@Example.com", name: "Carol" }), 201);
  assert.equal(made.email, "carol@example.com");
  assert.equal(made.access_seat, false);
  assert.equal(resultOf(await api.post(users, { email: made.email }), 201).id, made.id, "again");
  assert.deepEqual(resultOf(await api.get(`${users}?search=CAROL`)), [made]);
  assert.deepEqual(resultOf(await api.get(`${users}?page=3`)), [], "past the end");
  assert.equal((await api.get(`${users}?per_page=1`)).result_info?.["total_count"], 2);

  const one = `${users}/${made.id}`;
  const renamed = resultOf(await api.put(one, { email: made.email, name: "C." }));
  assert.equal(renamed.name, "C.");
  assert.equal((await api.put(one, { email: bob, name: "C." })).status, 400);
  assert.equal((await api.post(users, { email: "nobody" })).errors[0]?.source?.pointer, "/email");
  assert.equal((await api.get(`${one}/last_seen_identity`)).status, 404, "never signed in");

  const { token } = await tokenAt(fixture, session);
  assert.equal(await ask(fixture, token), 200);
  assert.deepEqual(resultOf(await api.delete(`${users}/${session.user_id}`)), {
    id: session.user_id,
  });
  assert.equal(await ask(fixture, token), 401);
  assert.equal((await api.delete(`${users}/${session.user_id}`)).status, 404);
  assert.notEqual((await begin(fixture, ada)).user_id, session.user_id, "another sub");
});

test("sessions of browsers, terminals and grants are in one list, read one by one, and ended alone", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  // Each a moment after the one before: the list is in the order of their beginning.
  const browser = await begin(fixture, ada);
  gateway.clock.ahead += 1_000;
  const terminal = await begin(fixture, ada, browser);
  gateway.clock.ahead += 1_000;
  const { target, token } = await tokenAt(fixture, terminal);
  const lent = await startGrant(
    { ...gateway.parts, randomBytes },
    {
      application: target,
      htu: `${gateway.origin("app.localhost")}/`,
      scope: {},
      label: "build",
      lifetimeMs: hour,
      parent: browser,
      userAgent: "ci",
    },
  );
  await begin(fixture, bob);

  const path = `${users}/${browser.user_id}/active_sessions`;
  const listed = resultOf(await api.get(path));
  assert.deepEqual(
    listed.map(({ metadata }: { metadata: Record<string, unknown> }) => [
      metadata["kind"],
      metadata["nonce"],
    ]),
    [
      ["browser", browser.id],
      ["terminal", terminal.id],
      ["grant", lent.session.id],
    ],
  );
  const grant = listed[2].metadata;
  assert.equal(grant.label, "build");
  assert.deepEqual(Object.keys(grant.apps), [target.id]);
  assert.equal(grant.approved_by, browser.id);
  assert.equal(listed[0].expiration, Math.floor(browser.expires_at / 1000));

  assert.equal(await ask(fixture, token), 200);
  const one = `${path}/${terminal.id}`;
  assert.equal(resultOf(await api.get(one)).isActive, true);
  assert.deepEqual(resultOf(await api.delete(one)), { nonce: terminal.id });
  assert.equal(resultOf(await api.get(one)).isActive, false);
  assert.equal(await ask(fixture, token), 401);
  assert.equal(resultOf(await api.get(path)).length, 2, "the others stay");
  await api.delete(`${path}/${lent.session.id}`);
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", [
    `Host: app.localhost:${gateway.port}`,
    `cf-access-token: ${lent.token}`,
  ]);
  assert.equal(status, 401, "the grant");

  const bobs = await gateway.parts.store.users.withEmail(bob);
  const foreign = `${users}/${bobs?.id}/active_sessions/${browser.id}`;
  assert.equal((await api.get(foreign)).status, 404, "somebody else's");
  assert.equal((await api.delete(foreign)).status, 404);
  const everything = await api.get("/access/sessions?per_page=1&page=2");
  assert.equal(everything.result.length, 1);
  assert.equal(everything.result_info?.["total_count"], 2);

  const { sessions } = gateway.parts.store;
  await sessions.noteApplication({ session_id: browser.id, aud: target.aud });
  const noncesOf = async (query: string) => {
    const all = resultOf(await api.get(`/access/sessions?${query}`));
    return all.map(({ metadata }: { metadata: { nonce: string } }) => metadata.nonce);
  };
  assert.deepEqual(await noncesOf(`app_uid=${target.id}`), [browser.id]);
  assert.deepEqual(await noncesOf(`user_uid=${browser.user_id}&kind=browser&app_uid=`), [
    browser.id,
  ]);
  assert.deepEqual(await noncesOf("kind=grant"), [], "it was ended");
  assert.deepEqual(await noncesOf("app_uid=nothing"), []);
  assert.equal((await api.get("/access/sessions?kind=robot")).status, 400);
  const [used] = resultOf(await api.get(path));
  assert.deepEqual(Object.keys(used.metadata.apps), [target.id], "what it was used for");
});

test("a person is revoked by address, whatever else the body says, and may sign in again at once", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api } = fixture;
  for (const [query, more] of [
    ["", {}],
    ["?devices=true", { devices: true, warp_session_reauth: true }],
    ["?devices=false", { body_devices: true }],
    ["", { user_uid: "own" }],
  ] as const) {
    const session = await begin(fixture, ada);
    const others = await begin(fixture, bob);
    const { token } = await tokenAt(fixture, session);
    const { token: bobs } = await tokenAt(fixture, others);
    const own = "user_uid" in more ? { user_uid: session.user_id } : more;
    assert.equal(
      resultOf(await api.post(revokeUser + query, { email: "ADA@example.com", ...own })),
      true,
    );
    assert.equal(await ask(fixture, token), 401);
    assert.equal(await ask(fixture, bobs), 200);
  }
  const { token } = await tokenAt(fixture, await begin(fixture, ada));
  assert.equal(await ask(fixture, token), 200, "at once");
  assert.equal(resultOf(await api.post(revokeUser, { email: "nobody@example.com" })), false);
  assert.equal(
    resultOf(await api.post(revokeUser, { email: ada, user_uid: "somebody else" })),
    false,
  );
  assert.equal(await ask(fixture, token), 200);
  assert.equal((await api.post(revokeUser, {})).errors[0]?.source?.pointer, "/email");
});

test("an application's tokens are revoked, and those of another one are not", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, clientWith } = fixture;
  const session = await begin(fixture, ada);
  const { target, token } = await tokenAt(fixture, session);
  const { target: other, token: elsewhere } = await tokenAt(fixture, session, "other");
  const narrow = await clientWith(["apps:write"], [other.id]);
  assert.equal((await narrow.post(`/access/apps/${target.id}/revoke_tokens`)).status, 404);
  assert.equal(await ask(fixture, token), 200);
  resultOf(await api.post(`/access/apps/${target.id}/revoke_tokens`), 202);
  assert.equal(await ask(fixture, token), 401);
  assert.equal(await ask(fixture, elsewhere, "other.localhost"), 200);
  assert.equal(await ask(fixture, (await tokenAt(fixture, session)).token), 200, "let in anew");
  const kinds = resultOf(await api.get("/audit_logs")).map(
    ({ action, resource }: Record<string, Record<string, unknown>>) => [
      action?.["type"],
      resource?.["type"],
    ],
  );
  assert.deepEqual(kinds, [["revoked", "application"]]);
});

test("the last identity is what the provider said, and a failed sign-in is in the list (L17)", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const session = await begin(fixture, ada);
  const path = `${users}/${session.user_id}`;
  const identity = resultOf(await api.get(`${path}/last_seen_identity`));
  assert.equal(identity.email, ada);
  assert.equal(identity.user_uuid, session.user_id);
  assert.deepEqual(identity.oidc_fields, { department: "tools" });
  assert.match(identity.account_id, /^[0-9a-f]{32}$/);
  assert.ok(!JSON.stringify(identity).includes(session.id), "nothing that names the session");

  assert.deepEqual(resultOf(await api.get(`${path}/failed_logins`)), []);
  const { store, now } = gateway.parts;
  const row = {
    id: "1",
    created_at: now(),
    action: "login",
    allowed: false,
    outcome: "deny",
    reason: "no_policy_matched",
    ray_id: "0123456789abcdef",
    ip_address: "192.0.2.7",
    user_email: ada,
    has_existing_jwt: false,
    non_identity: false,
  } as const;
  const rest = Object.fromEntries(
    ["country", "user_uid", "app_uid", "app_name", "app_domain", "app_type", "idp", "connection"]
      .concat(["service_token_id", "policy_id", "policy_name", "rule", "method", "host", "path"])
      .concat(["status", "user_agent", "facts"])
      .map((field) => [field, null]),
  );
  const others = { id: "2", user_email: bob };
  const success = { id: "3", allowed: true };
  for (const more of [{}, others, success])
    await store.accessLog.add([{ ...row, ...rest, ...more } as never]);
  const failed = resultOf(await api.get(`${path}/failed_logins`));
  assert.equal(failed.length, 1);
  assert.equal(failed[0].metadata.ray_id, row.ray_id);
  assert.equal(failed[0].metadata.reason, "no_policy_matched");
  assert.ok(failed[0].expiration > now() / 1000);
});

test("keys are rotated now, and from now on as often as is said", async (context) => {
  const { api, gateway } = await startAdminFixture(context, sections);
  const before = resultOf(await api.get("/access/keys"));
  assert.equal(before.key_rotation_interval_days, 42);
  assert.equal(before.days_until_next_rotation, 42);
  const changed = resultOf(await api.put("/access/keys", { key_rotation_interval_days: 30 }));
  assert.equal(changed.key_rotation_interval_days, 30);
  assert.equal(changed.days_until_next_rotation, 30);
  for (const key_rotation_interval_days of [20, 366, 30.5, "30", null])
    assert.equal((await api.put("/access/keys", { key_rotation_interval_days })).status, 400);
  const certs = gateway.parts.tokens.certs();
  gateway.clock.ahead = hour;
  const rotated = resultOf(await api.post("/access/keys/rotate"));
  assert.ok(rotated.last_key_rotation_at > before.last_key_rotation_at);
  assert.notEqual(gateway.parts.tokens.certs(), certs);
});

test("an application has an SSH authority once it is made, and none when it is removed", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway, clientWith } = fixture;
  const [target, other] = gateway.parts.catalogs.current().applications;
  assert.ok(target !== undefined && other !== undefined);
  const path = `/access/apps/${target.id}/ca`;
  assert.equal((await api.get(path)).status, 404);
  assert.deepEqual(resultOf(await api.get("/access/apps/ca")), []);
  const made = resultOf(await api.post(path));
  assert.equal(made.aud, target.aud);
  assert.match(made.public_key, /^ecdsa-sha2-nistp256 [A-Za-z0-9+/=]+$/);
  assert.deepEqual(resultOf(await api.post(path)), made, "again");
  assert.deepEqual(resultOf(await api.get(path)), made);
  assert.deepEqual(resultOf(await api.get("/access/apps/ca")), [made]);
  assert.deepEqual(resultOf(await api.get("/access/apps/ca?page=2")), []);
  const narrow = await clientWith(["apps:write"], [other.id]);
  assert.equal((await narrow.get(path)).status, 404);
  assert.deepEqual(resultOf(await narrow.get("/access/apps/ca")), []);
  assert.deepEqual(resultOf(await api.delete(path), 202), { id: target.id });
  assert.equal((await api.get(path)).status, 404);
  assert.equal((await api.delete(path)).status, 404);
  assert.notEqual(resultOf(await api.post(path)).public_key, made.public_key);
});

test("no credential of people and programs opens the admin API (T2)", async (context) => {
  const fixture = await startAdminFixture(context, {
    ...sections,
    service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: "robot secret" }],
  });
  const { accountId, address, gateway } = fixture;
  const { tokens } = gateway.parts;
  const session = await begin(fixture, ada);
  const { target, token } = await tokenAt(fixture, session);
  const proof = await tokens.verifyApp(token, target.aud);
  assert.ok(proof.ok);
  const credentials = {
    application: token,
    org: await tokens.issueOrg(session),
    assertion: await tokens.personAssertion(proof),
    pass: (await tokens.issuePass(session, target, `${gateway.origin("app.localhost")}/`, hour))
      .token,
    service: await tokens.serviceAssertion(target, "robot.access"),
    secret: "robot secret",
    meta: tokens.sealMeta({ aud: target.aud, hostname: "h", redirect_url: "/", app_session: "" }),
  };
  const path = `${address}/client/v4/accounts/${accountId}${users}`;
  for (const [kind, credential] of Object.entries(credentials)) {
    for (const headers of [
      { authorization: `Bearer ${credential}` },
      { authorization: credential },
      { "cf-access-token": credential },
      { cookie: `CF_Authorization=${credential}` },
      { "cf-access-client-id": "robot.access", "cf-access-client-secret": credential },
      { "x-auth-email": ada, "x-auth-key": credential },
    ] as Record<string, string>[]) {
      // Who fails too often is told to wait.
      await until(async () => {
        const { status } = await readAnswer(await fetch(path, { headers }));
        assert.ok(status === 401 || status === 429, `${kind}: ${status}`);
        if (status === 429) gateway.clock.ahead += 60_000;
        return status === 401;
      });
    }
  }
});

test("a narrow admin token sees no people, and one without the permission may revoke nobody", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { clientWith } = fixture;
  const session = await begin(fixture, ada);
  const { target, token } = await tokenAt(fixture, session);
  const narrow = await clientWith(["population:write", "revoke:write"], [target.id]);
  assert.deepEqual(resultOf(await narrow.get(users)), []);
  assert.equal((await narrow.get(`${users}/${session.user_id}`)).status, 404);
  assert.equal((await narrow.get(`${users}/${session.user_id}/active_sessions`)).status, 404);
  assert.deepEqual(resultOf(await narrow.get("/access/sessions")), []);
  const reader = await clientWith(["population:write", "apps:read"]);
  assert.equal((await reader.post(revokeUser, { email: ada })).status, 403);
  assert.equal((await reader.post(`/access/apps/${target.id}/revoke_tokens`)).status, 403);
  assert.equal((await narrow.post(revokeUser, { email: ada })).status, 403);
  assert.equal(await ask(fixture, token), 200);
});
