// Applications and destinations of types that no request reaches, and fields that mean something
// only at Cloudflare: kept, shown as they were sent, and never a way in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
const everybody = { name: "everybody", decision: "allow", include: [{ everyone: {} }] };

const servers = Array.from({ length: 40 }, (_, index) => ({
  server_id: `server-${index}`,
  default_disabled: index % 2 === 0,
}));

const others: Record<string, unknown>[] = [
  {
    type: "saas",
    name: "CRM",
    saas_app: { auth_type: "oidc", redirect_uris: ["https://crm.test/cb"], scopes: ["openid"] },
    scim_config: { enabled: true, idp_uid: "x", remote_uri: "https://crm.test/scim" },
    mfa_config: { allowed_authenticators: ["security_key"], required_aaguids: ["a", "b"] },
  },
  {
    type: "infrastructure",
    name: "Servers",
    target_criteria: [{ port: 22, protocol: "SSH", target_attributes: { hostname: ["box"] } }],
  },
  { type: "mcp_portal", name: "Tools", domain: "mcp.localhost", servers, code_mode: "forced" },
  { type: "ssh", name: "Terminal", domain: "terminal.localhost", allow_iframe: true },
  { type: "end_user", name: "People" },
  {
    type: "holo_deck",
    name: "Future",
    holograms: [{ depth: { of: ["field"] } }],
    domain: "x.localhost",
  },
];

test("applications of other types are kept as they were sent, and no request reaches them", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api, gateway, upstream } = fixture;
  for (const sent of others) {
    const answer = await api.post("/access/apps", { ...sent, policies: [open] });
    const created = resultOf(answer, 201);
    assert.match(answer.messages[0]?.message ?? "", /nobody reaches it/, `${sent["type"]}`);
    const path = `/access/apps/${created.id}`;
    const read = resultOf(await api.get(path));
    for (const shown of [created, read])
      for (const [name, value] of Object.entries(sent)) assert.deepEqual(shown[name], value, name);
    assert.equal(read.policies[0].name, "open");
    assert.match(read.aud, /^[0-9a-f]{64}$/);

    const again = resultOf(await api.put(path, { ...read, name: "renamed" }));
    for (const [name, value] of Object.entries({ ...sent, id: read.id, aud: read.aud }))
      assert.deepEqual(again[name], name === "name" ? "renamed" : value, name);
    const replaced = resultOf(await api.put(path, { type: sent["type"], name: "x", note: null }));
    assert.equal("note" in replaced || "domain" in replaced, false);
    resultOf(await api.put(path, read));
  }
  for (const host of ["mcp.localhost", "terminal.localhost", "x.localhost"]) {
    const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`]);
    assert.equal(status, 403, host);
  }
  assert.equal(upstream.requests.length, 0);
  const catalog = gateway.parts.catalogs.current();
  assert.deepEqual(catalog.applications, []);
  assert.equal(catalog.applicationByAud.size, 0);
  const listed = resultOf(await api.get("/access/apps"));
  assert.equal(listed.length, others.length);
});

test("what is likely a slip, or too large to keep, is refused", async (context) => {
  const { api } = await startAdminFixture(context);
  let deep: unknown = "x";
  for (let depth = 0; depth < 30; depth++) deep = [deep];
  const wrong: [Record<string, unknown>, RegExp, string][] = [
    [{ type: "self-hosted", domain: "a.localhost" }, /do you mean self_hosted\?/, "/type"],
    [{ type: "Saas" }, /is not a type of application/, "/type"],
    [{ type: "saas", saas_app: "x".repeat(70_000) }, /more than can be kept/, ""],
    [{ type: "saas", saas_app: deep }, /more than can be kept/, ""],
    [{ type: "bookmark" }, /no address that a link can lead to/, "/domain"],
    [{ type: "bookmark", domain: "javascript:alert(1)" }, /no address/, "/domain"],
    [{ type: "bookmark", domain: "data:text/html,x" }, /no address/, "/domain"],
    [{ type: "bookmark", domain: "https://x;sandbox/" }, /no address/, "/domain"],
    [{ type: "bookmark", domain: "https://a.test", tags: "x" }, /./, "/tags"],
    [{ type: "saas", policies: ["gone"] }, /is not the id of a policy/, "/policies/0"],
  ];
  for (const [fields, says, pointer] of wrong) {
    const { status, errors } = await api.post("/access/apps", { name: "x", ...fields });
    assert.equal(status, 400, JSON.stringify(fields).slice(0, 100));
    assert.match(errors[0]?.message ?? "", says);
    assert.equal(errors[0]?.source?.pointer ?? "", pointer);
  }
  assert.deepEqual(resultOf(await api.get("/access/apps")), []);
});

test("destinations of other types are kept beside those that requests reach", async (context) => {
  const { api, gateway, upstream } = await startAdminFixture(context);
  const privateOne = { type: "private", cidr: "10.0.0.0/8", port_range: "443", l4_protocol: "tcp" };
  const worker = {
    type: "worker",
    worker_id: "w",
    overrides: [{ path_pattern: "/", behavior: "public" }],
  };
  const body = { type: "self_hosted", name: "Shop", policies: [open] };
  const destinations = [privateOne, { uri: "shop.localhost" }, worker];
  const answer = await api.post("/access/apps", { ...body, destinations });
  const created = resultOf(answer, 201);
  const shown = [{ type: "public", uri: "shop.localhost" }, privateOne, worker];
  assert.deepEqual(created.destinations, shown);
  assert.equal(answer.messages.length, 2);
  const path = `/access/apps/${created.id}`;
  const { destinations: _, ...rest } = resultOf(await api.get(path));
  const moved = { ...rest, self_hosted_domains: ["other.localhost"] };
  const after = resultOf(await api.put(path, { ...moved, domain: "other.localhost" }));
  assert.deepEqual(after.destinations, [
    { type: "public", uri: "other.localhost" },
    privateOne,
    worker,
  ]);
  resultOf(await api.post("/access/apps", { ...body, destinations: [privateOne] }), 201);
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", ["Host: other.localhost"]);
  assert.equal(status, 200);
  assert.equal(upstream.requests.length, 1);
});

test("a policy that demands a second factor lets nobody in, and one that does without does", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const factor = { allowed_authenticators: ["totp"], session_duration: "12h" };
  const none = { mfa_disabled: true };
  const app = (policy: object, more = {}) => ({
    ...{ type: "self_hosted", name: "Shop", domain: "shop.localhost" },
    ...{ policies: [policy], ...more },
  });
  const { id } = resultOf(await api.post("/access/apps", app(everybody)), 201);
  const path = `/access/apps/${id}`;
  const statusWith = async (body: object) => {
    const answer = await api.put(path, body);
    const shown = resultOf(answer);
    const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", ["Host: shop.localhost"]);
    return { shown, answer, status };
  };
  const isolated = { ...everybody, isolation_required: true, connection_rules: { rdp: {} } };
  assert.equal((await statusWith(app(isolated))).status, 302);
  const { shown } = await statusWith(app(isolated));
  assert.equal(shown.policies[0].isolation_required, true);
  assert.deepEqual(shown.policies[0].connection_rules, { rdp: {} });

  for (const body of [
    app({ ...everybody, mfa_config: factor }),
    app(everybody, { mfa_config: factor }),
    app({ ...everybody, mfa_config: factor }, { mfa_config: none }),
  ]) {
    const demanded = await statusWith(body);
    assert.equal(demanded.status, 403);
    const { messages } = demanded.answer;
    assert.ok(messages.some(({ message }) => /demands a second factor/.test(message)));
  }
  const own = await statusWith(app({ ...everybody, mfa_config: none }, { mfa_config: factor }));
  assert.equal(own.status, 302, "the policy's own word counts");
  assert.deepEqual(own.shown.mfa_config, factor);
  assert.deepEqual(own.shown.policies[0].mfa_config, none);
  assert.deepEqual(own.shown.policies[0].require, []);
});
