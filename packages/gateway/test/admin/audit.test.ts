// What is written down of changes that are not objects.
import assert from "node:assert/strict";
import { test } from "node:test";
import { audit } from "../../src/admin/audit.ts";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

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
