// Identity providers and the organization by the API, and what a token may do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { allPermissions } from "../../src/admin/permissions.ts";
import { readAnswer, resultOf, startAdminFixture } from "./admin-fixture.ts";

const secret = "the provider's own secret";
const corp = {
  name: "Corp",
  type: "oidc",
  config: {
    client_id: "postern",
    client_secret: secret,
    auth_url: "https://idp.example.com/authorize",
    token_url: "https://idp.example.com/token",
    certs_url: "https://idp.example.com/certs",
  },
};

test("an identity provider's secret goes in and never comes out (case L17)", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const answers = [await api.post("/access/identity_providers", corp)];
  const created = resultOf(answers[0] ?? assert.fail(), 201);
  const path = `/access/identity_providers/${created.id}`;
  assert.equal(created.config.redirect_url, `${gateway.team}/cdn-cgi/access/callback`);
  const secretInForce = () => {
    const provider = gateway.parts.catalogs.current().identityProviders.get(created.id);
    return (
      provider !== undefined && "client_secret" in provider.config && provider.config.client_secret
    );
  };
  assert.equal(secretInForce(), secret);

  // Whoever sends back what it got keeps the secret.
  answers.push(await api.put(path, { ...created, name: "Renamed" }));
  assert.equal(secretInForce(), secret);
  const masked = { ...created.config, client_secret: "********" };
  answers.push(await api.put(path, { ...created, config: masked }));
  assert.equal(secretInForce(), secret);
  // Terraform writes null for what is not set.
  const nulls = { ...created.config, issuer: null, client_secret: null, redirect_url: undefined };
  answers.push(await api.put(path, { ...created, config: nulls }));
  assert.equal(secretInForce(), secret);
  answers.push(await api.get(path), await api.get("/access/identity_providers"));
  answers.push(await api.get("/audit_logs"));
  for (const { status, result } of answers) {
    assert.ok(status < 300);
    assert.ok(!JSON.stringify(result).includes(secret));
  }
  assert.ok(!JSON.stringify(gateway.events).includes(secret));

  // Nor is it sent to an address of whoever may write and not read it.
  const elsewhere = { ...created.config, token_url: "https://evil.example.com/token" };
  resultOf(await api.put(path, { ...created, config: elsewhere }));
  assert.notEqual(secretInForce(), secret);
  resultOf(await api.delete(path), 202);
});

test("a provider that an application names is not deleted", async (context) => {
  const { api } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/access/identity_providers", corp), 201);
  const app = { name: "a", type: "self_hosted", domain: "a.localhost", allowed_idps: [id] };
  resultOf(await api.post("/access/apps", app), 201);
  const refused = await api.delete(`/access/identity_providers/${id}`);
  assert.equal(refused.status, 400);
  assert.match(refused.errors[0]?.message ?? "", /in use by application "a"/);
});

test("an organization that the file says nothing of is the API's", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const path = "/access/organizations";
  const before = resultOf(await api.get(path));
  assert.deepEqual(before, { name: "Postern", auth_domain: `login.localhost:${gateway.port}` });
  const named = resultOf(
    await api.put(path, { ...before, name: "Example", session_duration: "8h" }),
  );
  assert.equal(named.session_duration, "8h");
  assert.equal(gateway.parts.catalogs.current().organization.name, "Example");
  const patched = resultOf(await api.patch(path, { login_design: { header_text: "Hello" } }));
  assert.deepEqual(
    [patched.name, patched.session_duration, patched.login_design],
    ["Example", "8h", { header_text: "Hello" }],
  );
  const replaced = resultOf(await api.put(path, { name: "Example", is_ui_read_only: true }));
  assert.ok(!("session_duration" in replaced) && !("login_design" in replaced));
  assert.equal(replaced.is_ui_read_only, true);
  const moved = await api.put(path, { name: "Example", auth_domain: "evil.example.com" });
  assert.equal(moved.status, 400);
  assert.equal(moved.errors[0]?.source?.pointer, "/auth_domain");
});

test("an organization of the file is the file's to change", async (context) => {
  const { api, gateway } = await startAdminFixture(context, { organization: { name: "File's" } });
  const refused = await api.put("/access/organizations", { name: "Other" });
  assert.equal(refused.status, 400);
  assert.equal(resultOf(await api.get("/access/organizations")).name, "File's");
  assert.equal(gateway.parts.catalogs.current().organization.name, "File's");
});

test("a client finds the account, and whether its token is one", async (context) => {
  const { api, accountId, adminPort, ask } = await startAdminFixture(context);
  const headers = { authorization: `Bearer ${api.secret}` };
  const get = async (path: string) => readAnswer(await ask(path, { headers }));
  const [account] = resultOf(await get("/client/v4/accounts"));
  assert.equal(account.id, accountId);
  assert.match(accountId, /^[0-9a-f]{32}$/);
  assert.equal(resultOf(await get(`/client/v4/accounts/${accountId}`)).id, accountId);
  assert.equal(resultOf(await get("/client/v4/user/tokens/verify")).status, "active");
  assert.equal(resultOf(await api.get("/tokens/verify")).status, "active");

  const zone = `/client/v4/zones/${accountId}/access/groups`;
  assert.deepEqual(resultOf(await get(zone)), [], "a zone of the same id has the same objects");
  const other = "f".repeat(32);
  for (const path of [
    `/client/v4/accounts/${other}`,
    `/client/v4/accounts/${other}/access/groups`,
    `/client/v4/zones/${other}/access/groups`,
    `/client/v4/accounts/${accountId}/access/nothing`,
    `/client/v4/accounts/${accountId}/access/groups/`,
    `/client/v4//accounts/${accountId}/access/groups`,
    `/client/v4/accounts/${accountId}/access%2fgroups`,
    "/client/v5",
  ])
    assert.equal((await get(path)).status, 404, path);
  const dots = `GET /client/v4/accounts/${accountId}/access/x/%2e%2e/groups HTTP/1.1`;
  const lines = [`Host: 127.0.0.1:${adminPort}`, `Authorization: Bearer ${api.secret}`];
  assert.equal((await rawRequest(adminPort, dots, lines)).status, 404);
  const wrongMethod = await api.patch("/access/groups", {});
  assert.equal(wrongMethod.status, 405);
  assert.equal(wrongMethod.headers.get("allow"), "GET, POST");
});

test("each permission opens its own area and no other, for reading or for writing (case O3)", async (context) => {
  const { clientWith, gateway } = await startAdminFixture(context);
  const places: [area: string, path: string][] = [
    ["apps", "/access/apps"],
    ["apps", "/access/apps/x"],
    ["apps", "/access/apps/x/policies"],
    ["apps", "/access/policies"],
    ["organizations", "/access/groups"],
    ["organizations", "/access/identity_providers"],
    ["organizations", "/access/organizations"],
    ["audit_logs", "/audit_logs"],
  ];
  for (const permission of allPermissions) {
    const client = await clientWith([permission]);
    const [own, right] = permission.split(":");
    for (const [area, path] of places) {
      const mayRead = area === own;
      assert.equal((await client.get(path)).status === 403, !mayRead, `${permission} GET ${path}`);
      if (path === "/audit_logs") continue;
      const mayWrite = mayRead && right === "write";
      const isOne = path.endsWith("/x") || path === "/access/organizations";
      const answer = isOne
        ? await client.put(path, { nonsense: 1 })
        : await client.post(path, { nonsense: 1 });
      assert.equal(answer.status === 403, !mayWrite, `${permission} write ${path}`);
      assert.ok(answer.status >= 400);
    }
  }
  assert.equal(gateway.parts.catalogs.current().applications.length, 0);
});
