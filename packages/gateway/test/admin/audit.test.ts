// What is written down of changes that are not objects.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { audit } from "../../src/admin/audit.ts";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

const scim = (secret: string) => ({
  idp_uid: "pin",
  remote_uri: "https://scim.example.com",
  authentication: [
    { scheme: "httpbasic", user: "postern", password: secret },
    { scheme: "oauthbearertoken", token: secret },
  ],
});

/** Objects of which a part has no effect here, with secrets where Cloudflare has them. */
const withSecrets = (secret: string): Record<string, unknown>[] => [
  { type: "self_hosted", name: "a", domain: "a.localhost", scim_config: scim(secret) },
  {
    ...{ type: "saas", name: "b", scim_config: scim(secret) },
    saas_app: { auth_type: "oidc", client_secret: secret, redirect_uris: ["https://b.test"] },
  },
  { type: "mcp", name: "c", auth_type: "bearer", auth_credentials: secret },
];

test("secrets in fields that have no effect are kept nowhere, and whoever sent them is told (case L17)", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const secret = "hunter2-hunter2";
  const answers: unknown[] = [];
  for (const body of withSecrets(secret)) {
    const answer = await api.post("/access/apps", body);
    const { id } = resultOf(answer, 201);
    assert.ok(answer.messages.some(({ message }) => message.includes("is a secret that nothing")));
    answers.push(answer, await api.get(`/access/apps/${id}`));
    answers.push(await api.put(`/access/apps/${id}`, { ...body, tags: ["x"] }));
  }
  const told = [
    ...answers,
    await api.get("/audit_logs"),
    gateway.events,
    await gateway.parts.store.objects.all(),
  ];
  for (const each of told) assert.ok(!JSON.stringify(each).includes(secret));
  const [first] = resultOf(await api.get("/access/apps"));
  assert.equal(first.scim_config.authentication[0].user, "postern", "the rest comes back");
});

test("a change that is not one of objects is in the store and in the log", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const token = { id: "t", name: "ci", permissions: [], applications: null, created_at: 0 };
  const call = {
    ...{ params: {}, query: new URLSearchParams(), body: undefined, ip: "::1" },
    token: { ...token, expires_at: null },
    ray: "ray",
  };
  const change = { action: "revoked", kind: "session", id: "s", name: "ada@example.com" };
  await audit(call, change, gateway.parts);
  const [entry] = resultOf(await api.get("/audit_logs"));
  assert.deepEqual(entry.resource, { type: "session", id: "s", name: "ada@example.com" });
  assert.deepEqual(entry.actor, { id: "t", type: "token", name: "ci", ip: "::1" });
  const [event] = gateway.events.filter((each) => each.event === "admin_changed");
  assert.equal(event?.event === "admin_changed" && event.action, "revoked");
});

test("the log says whose token it was, and nothing of a query", async (context) => {
  const { api, gateway, adminPort } = await startAdminFixture(context);
  resultOf(await api.post("/access/groups", { name: "g", include: [{ everyone: {} }] }), 201);
  const { actor } = resultOf(await api.get("/audit_logs"))[0];
  const told = gateway.events.filter(({ event }) =>
    ["admin_answered", "admin_changed"].includes(event),
  );
  // The log cuts out what is called `token`.
  for (const event of told) {
    assert.ok("token_id" in event && !("token" in event), event.event);
    assert.equal(event.token_id, actor.id);
  }
  const path = "/client/v4/accounts?token=abc";
  await rawRequest(adminPort, `GET ${path} HTTP/1.1`, ["Host: evil.test"]);
  const refusal = gateway.events.find(({ event }) => event === "admin_refused");
  assert.equal(refusal?.event === "admin_refused" && refusal.path, "/client/v4/accounts");
});

test("of what is too long to be kept for months the audit trail has size and digest", async (context) => {
  const { api } = await startAdminFixture(context);
  const items = Array.from({ length: 5_000 }, (_, index) => ({ value: `a${index}@example.com` }));
  const list = resultOf(await api.post("/gateway/lists", { name: "l", type: "EMAIL", items }), 201);
  const path = `/gateway/lists/${list.id}`;
  resultOf(await api.patch(path, { append: [{ value: "b@example.com" }] }));
  const [changed, created] = resultOf(await api.get("/audit_logs"));
  for (const value of [created.newValueJson, changed.oldValueJson, changed.newValueJson]) {
    assert.equal(value.name, "l");
    assert.ok(value.left_out.characters > 100_000);
    assert.ok(JSON.stringify(value).length < 1_000);
  }
  assert.equal(created.newValueJson.left_out.sha256, changed.oldValueJson.left_out.sha256);
  assert.notEqual(changed.newValueJson.left_out.sha256, changed.oldValueJson.left_out.sha256);

  const page = await api.get("/audit_logs?per_page=1000");
  assert.equal(page.result_info?.["per_page"], 100);
});
