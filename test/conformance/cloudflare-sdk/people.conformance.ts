// People by Cloudflare's own client: users, what they are signed in with, what failed, how their
// access ends, and what the access log says of it.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import Cloudflare from "cloudflare";
import { rawRequest } from "../../support/raw-request.ts";
import { type Conformance, start } from "./gateway.ts";
import { all, app, appsOf, policy } from "./verbs.ts";

const ada = "ada@example.com";

/** A gateway with an application, and somebody who is signed in there. */
async function startSignedIn(context: TestContext) {
  const conformance = await start(context);
  const { gateway } = conformance;
  const { id, aud } = (await appsOf(conformance).create({ ...app, policies: [policy] })) as {
    id: string;
    aud: string;
  };
  const { parts } = gateway;
  const session = await parts.sessions.start({
    kind: "browser",
    identity: {
      ...{ email: ada, name: "Ada", groups: ["eng"], amr: [], oidc_fields: {} },
      ...{ idp: { id: "pin", type: "onetimepin" }, ip: "127.0.0.1", country: "", iat: 1 },
    },
    userAgent: "test",
    lifetimeMs: 36e5,
  });
  const application = parts.catalogs.current().applicationByAud.get(aud) ?? assert.fail();
  const token = await parts.tokens.issueApp(session, application, 36e5);
  return { ...conformance, app_id: id, session, token };
}

async function statusWith({ gateway, upstream }: Conformance, token: string): Promise<number> {
  upstream.reset();
  const lines = ["Host: shop.localhost", `cf-access-token: ${token}`];
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", lines);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
  return status;
}

test("users are created, listed, found, read, renamed and deleted with their sessions", async (context) => {
  const conformance = await startSignedIn(context);
  const { client, account_id, session, token } = conformance;
  const { users } = client.zeroTrust.access;
  const made = await users.create({ account_id, email: "bob@example.com", name: "Bob" });
  const id = made.id ?? "";
  assert.deepEqual(await users.get(id, { account_id }), made);
  assert.deepEqual(
    (await all(users.list({ account_id, per_page: 1 }))).map(({ email }) => email),
    [ada, "bob@example.com"],
  );
  for (const query of [{ email: "bob@example.com" }, { name: "Bob" }, { search: "bob" }])
    assert.deepEqual(await all(users.list({ account_id, ...query })), [made]);
  const renamed = await users.update(id, { account_id, email: "bob@example.com", name: "Robert" });
  assert.equal(renamed.name, "Robert");
  await assert.rejects(
    users.update(id, { account_id, email: "eve@example.com", name: "Eve" }),
    Cloudflare.BadRequestError,
  );
  await users.delete(id, { account_id });
  await assert.rejects(users.get(id, { account_id }), Cloudflare.NotFoundError);

  assert.equal(await statusWith(conformance, token), 200);
  await users.delete(session.user_id, { account_id });
  assert.equal(await statusWith(conformance, token), 401);
});

test("a user's sessions and last identity are read, and hold nothing that signs in", async (context) => {
  const { client, account_id, session } = await startSignedIn(context);
  const { activeSessions, lastSeenIdentity } = client.zeroTrust.access.users;
  const sessions = await all(activeSessions.list(session.user_id, { account_id }));
  assert.deepEqual(
    sessions.map(({ name, expiration, metadata }) => [name, expiration, metadata?.nonce]),
    [[ada, Math.floor(session.expires_at / 1000), session.id]],
  );
  const one = await activeSessions.get(session.id, { account_id, user_id: session.user_id });
  assert.equal(one.isActive, true);
  assert.equal(one.email, ada);
  const identity = await lastSeenIdentity.get(session.user_id, { account_id });
  assert.equal(identity.email, ada);
  assert.equal(identity.user_uuid, session.user_id);
  assert.equal(identity.account_id, account_id);
});

test("a person and an application are revoked, and the next request is refused", async (context) => {
  const conformance = await startSignedIn(context);
  const { client, account_id, app_id, token } = conformance;
  const { access, organizations } = client.zeroTrust;
  assert.equal(await statusWith(conformance, token), 200);
  await access.applications.revokeTokens(app_id, { account_id });
  assert.equal(await statusWith(conformance, token), 401);

  const person = await startSignedIn(context);
  const own = { account_id: person.account_id, email: ada };
  assert.equal(await statusWith(person, person.token), 200);
  assert.equal(
    await person.client.zeroTrust.organizations.revokeUsers({
      ...{ ...own, query_devices: true, body_devices: true },
    }),
    true,
  );
  assert.equal(await statusWith(person, person.token), 401);
  const nobody = { account_id, email: "nobody@example.com" };
  assert.equal(await organizations.revokeUsers(nobody), false);
});

test("the access log is read with its filters, and a failed login is the person's", async (context) => {
  const { client, account_id, gateway, session, app_id } = await startSignedIn(context);
  const { store, now } = gateway.parts;
  const rest = ["country", "user_uid", "app_name", "app_domain", "app_type", "idp", "connection"]
    .concat(["service_token_id", "policy_id", "policy_name", "rule", "method", "host", "path"])
    .concat(["status", "user_agent", "facts", "reason"])
    .map((field) => [field, null]);
  for (const [index, allowed] of [true, false, false].entries()) {
    const row = {
      ...Object.fromEntries(rest),
      ...{
        created_at: now() + index,
        action: "login",
        allowed,
        outcome: allowed ? "allow" : "deny",
      },
      ...{ ray_id: `${index}`.padStart(16, "0"), ip_address: "192.0.2.7" },
      ...{ user_email: index === 2 ? "bob@example.com" : ada, app_uid: app_id },
      ...{ has_existing_jwt: false, non_identity: false },
    };
    await store.accessLog.add([row as never]);
  }
  const { accessRequests } = client.zeroTrust.access.logs;
  const rays = async (query: object) =>
    (await accessRequests.list({ account_id, ...query })).map((entry) => Number(entry.ray_id));
  assert.deepEqual(await rays({}), [2, 1, 0]);
  assert.deepEqual(await rays({ direction: "asc" }), [0, 1, 2]);
  assert.deepEqual(await rays({ limit: 1 }), [2]);
  assert.deepEqual(await rays({ page: 2, per_page: 2 }), [0]);
  assert.deepEqual(await rays({ page: 3, per_page: 2 }), []);
  assert.deepEqual(await rays({ email: ada, email_exact: true }), [1, 0]);
  assert.deepEqual(await rays({ email: ada, emailOp: "neq" }), [2]);
  assert.deepEqual(await rays({ since: new Date(now() + 36e5).toISOString() }), []);
  assert.deepEqual(await rays({ allowed: "false", allowedOp: "neq" }), [0]);
  const [entry] = await accessRequests.list({ account_id, fields: "allowed,ray_id", limit: 1 });
  assert.deepEqual(Object.keys(entry ?? {}).sort(), ["allowed", "ray_id"]);

  const { failedLogins } = client.zeroTrust.access.users;
  const failed = await all(failedLogins.list(session.user_id, { account_id }));
  assert.equal(failed.length, 1);
  assert.ok((failed[0]?.expiration ?? 0) > now() / 1000);
});

test("policies are tried on everybody, and an application's on one person", async (context) => {
  const { client, account_id, app_id } = await startSignedIn(context);
  const { policyTests, userPolicyChecks } = client.zeroTrust.access.applications;
  await client.zeroTrust.access.users.create({ account_id, email: "new@example.com" });
  const { id = "", status } = await policyTests.create({
    account_id,
    policies: [{ ...policy }],
  } as never);
  assert.equal(status, "success");
  let done = await policyTests.get(id, { account_id });
  while (done.status === "processing") done = await policyTests.get(id, { account_id });
  assert.equal(done.status, "complete");
  assert.deepEqual([done.total_users, done.users_approved, done.users_errored], [2, 1, 1]);
  const approved = await all(policyTests.users.list(id, { account_id, status: "success" }));
  assert.deepEqual(
    approved.map(({ email, status: verdict }) => [email, verdict]),
    [[ada, "approved"]],
  );
  const check = await userPolicyChecks.list(app_id, { account_id }, { query: { email: ada } });
  assert.equal(check.user_identity?.email, ada);
  assert.equal(check.app_state?.app_uid, app_id);
  assert.equal(check.app_state?.status, "approved");
});
