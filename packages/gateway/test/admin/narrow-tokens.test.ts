// Tokens that are for some applications alone: what they would need to reach what is another's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../../../../test/support/gateway.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import type { NewAccessEvent } from "../../src/storage/access-log.ts";
import { type AdminFixture, resultOf, startAdminFixture } from "./admin-fixture.ts";

const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
const staffOnly = {
  name: "staff",
  decision: "allow",
  include: [{ email_domain: { domain: "example.com" } }],
};

/** Two applications, and a token for the first of them. */
async function startNarrow(fixture: AdminFixture) {
  const { api, clientWith } = fixture;
  const make = async (name: string, more: object = {}) =>
    resultOf(
      await api.post("/access/apps", {
        ...{ type: "self_hosted", name, domain: `${name}.localhost`, policies: [staffOnly] },
        ...more,
      }),
      201,
    );
  const own = await make("shop");
  const other = await make("vault");
  const narrow = await clientWith(["apps:write", "audit_logs:read", "metrics:read"], [own.id]);
  return { own, other, narrow, make };
}

async function isShut({ gateway, upstream }: AdminFixture, host: string, path = "/") {
  upstream.requests.length = 0;
  const { status } = await rawRequest(gateway.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`]);
  assert.notEqual(status, 200, `${host}${path}`);
  assert.deepEqual(upstream.requests, [], "the origin saw nothing");
}

test("a token for one application cannot stretch it over what another one guards (case O3)", async (context) => {
  const fixture = await startAdminFixture(context);
  const { own, narrow, make } = await startNarrow(fixture);
  const path = `/access/apps/${own.id}`;
  const wide = { ...own, policies: [open] };
  const { domain: _, destinations: _d, self_hosted_domains: _s, ...rest } = wide;
  const domains = ["shop.localhost", "vault.localhost/admin"];
  for (const body of [
    { ...wide, self_hosted_domains: domains },
    { ...wide, destinations: domains.map((uri) => ({ type: "public", uri })) },
    { ...rest, domain: "vault.localhost/admin" },
    { ...rest, domain: "free.localhost" },
  ]) {
    const { status, errors } = await narrow.put(path, body);
    assert.equal(status, 403, JSON.stringify(errors));
    assert.match(errors[0]?.message ?? "", /another domain/);
  }
  await isShut(fixture, "vault.localhost", "/admin/x");
  for (const field of [{ allow_encoded_slashes: true }, { double_slashes: "keep" }])
    assert.equal((await narrow.put(path, { ...own, ...field })).status, 403);

  const two = await make("two", { self_hosted_domains: ["two-b.localhost"] });
  const both = await fixture.clientWith(["apps:write"], [own.id, two.id]);
  const less = { ...two, destinations: [{ uri: "two.localhost" }] };
  resultOf(await both.put(`/access/apps/${two.id}`, less));
  resultOf(await narrow.put(path, { ...own, policies: [open] }));
});

test("a token for one application is told of no other by name (case O3)", async (context) => {
  const fixture = await startAdminFixture(context);
  const { own, narrow, make } = await startNarrow(fixture);
  const linked = { linked_app_token: { app_uid: own.id } };
  await make("payroll", {
    policies: [{ ...staffOnly, decision: "non_identity", include: [linked] }],
  });
  const path = `/access/apps/${own.id}`;
  const refusals = [
    await narrow.put(path, { ...own, destinations: [{ uri: "vault.localhost" }] }),
    await narrow.put(path, { ...own, destinations: [{ uri: "payroll.localhost" }] }),
    await narrow.delete(path),
  ];
  for (const { status, errors } of refusals) {
    assert.equal(status, 400, JSON.stringify(errors));
    assert.match(errors[0]?.message ?? "", /another application/);
    assert.doesNotMatch(JSON.stringify(errors), /"(?:vault|payroll)\\?"/);
  }
});

test("a token for one application cannot link it to a policy that it may not see (case O3)", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api } = fixture;
  const { own, other, narrow } = await startNarrow(fixture);
  const secret = {
    name: "board",
    decision: "allow",
    include: [{ email: { email: "chair@example.com" } }],
  };
  const hidden = resultOf(await api.post("/access/policies", secret), 201);
  resultOf(await api.put(`/access/apps/${other.id}`, { ...other, policies: [hidden.id] }));
  const path = `/access/apps/${own.id}`;
  for (const policies of [[hidden.id], [{ id: hidden.id }], [hidden]]) {
    const answer = await narrow.put(path, { ...own, policies });
    assert.equal(answer.status, 403);
    assert.doesNotMatch(JSON.stringify(answer.errors), /chair/);
  }
  assert.doesNotMatch(JSON.stringify(resultOf(await narrow.get(path))), /chair/);

  resultOf(await api.put(path, { ...own, policies: [hidden.id] }));
  const shown = resultOf(await narrow.get(path));
  resultOf(await narrow.put(path, { ...shown, name: "renamed" }));
});

const row: NewAccessEvent = {
  created_at: Date.UTC(2026, 10, 25),
  action: "login",
  allowed: true,
  outcome: "allow",
  reason: null,
  ray_id: "0".repeat(16),
  ip_address: "192.0.2.7",
  country: "CH",
  user_email: "ada@example.com",
  user_uid: "ada",
  app_uid: null,
  app_name: null,
  app_domain: null,
  app_type: null,
  idp: "corp",
  connection: "oidc",
  has_existing_jwt: false,
  non_identity: false,
  service_token_id: null,
  policy_id: null,
  policy_name: null,
  rule: null,
  method: null,
  host: null,
  path: null,
  status: null,
  user_agent: null,
  facts: null,
};

test("a token for one application reads what happened there in the access log, and nothing else", async (context) => {
  const fixture = await startAdminFixture(context);
  const { own, other, narrow } = await startNarrow(fixture);
  const uids = [own.id, other.id, null, own.id];
  await fixture.gateway.parts.store.accessLog.add(
    uids.map((app_uid, index) => ({ ...row, app_uid, ray_id: `${index}`.padStart(16, "0") })),
  );
  const path = "/access/logs/access_requests";
  const seen = async (query: string, client = narrow) =>
    resultOf(await client.get(`${path}?${query}`)).map(({ ray_id }: { ray_id: string }) =>
      Number(ray_id),
    );
  assert.deepEqual(await seen("direction=asc"), [0, 3]);
  assert.deepEqual(await seen("limit=1&page=2"), [0]);
  assert.deepEqual(await seen(`app_uid=${other.id}`), []);
  assert.deepEqual(await seen(`app_uid=${own.id}&app_uidOp=neq`), []);
  assert.deepEqual(await seen("email=ada&direction=asc"), [0, 3]);
  assert.deepEqual(await seen(`ray_id=${"1".padStart(16, "0")}`), []);
  assert.deepEqual(await seen("direction=asc", fixture.api), [0, 1, 2, 3]);
  const many = Array.from({ length: 40 }, (_, index) => `app-${index}`);
  const wide = await fixture.clientWith(["audit_logs:read"], [...many, own.id]);
  assert.deepEqual(await seen("direction=asc", wide), [0, 3]);
});

test("metrics, which count all applications, are for no token that is for some alone", async (context) => {
  const port = await freePort();
  const { clientWith } = await startAdminFixture(context, {
    admin: { listen: `0.0.0.0:${port}` },
    trusted_proxies: ["192.0.2.1"],
  });
  const statusOf = async (applications?: string[]) => {
    const { secret } = await clientWith(["metrics:read"], applications);
    const headers = { authorization: `Bearer ${secret}` };
    return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).status;
  };
  assert.equal(await statusOf(), 200);
  assert.equal(await statusOf(["shop"]), 403);
  assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 401);
});
