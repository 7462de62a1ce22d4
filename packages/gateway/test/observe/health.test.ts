// Health asks what every request needs: it is well when all of that works, and says what does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startAdminFixture } from "../admin/admin-fixture.ts";

async function readinessOf(ask: (path: string) => Promise<Response>) {
  const answer = await ask("/health/ready");
  const body = (await answer.json()) as {
    status: string;
    checks: { name: string; ok: boolean; detail?: string }[];
  };
  return { code: answer.status, ...body };
}

test("a gateway that works is live and ready, each listener included", async (context) => {
  const { ask } = await startAdminFixture(context);
  const live = await ask("/health/live");
  assert.deepEqual([live.status, await live.json()], [200, { status: "live" }]);
  const { code, status, checks } = await readinessOf(ask);
  assert.deepEqual([code, status], [200, "ready"], JSON.stringify(checks));
  const names = checks.map(({ name }) => name);
  assert.deepEqual(names, ["store", "signing_key", "catalog", "listener_1"]);
});

test("a gateway whose store is gone is live and not ready, and says which step fails", async (context) => {
  const { ask, gateway } = await startAdminFixture(context);
  await gateway.parts.store.close();
  const { code, status, checks } = await readinessOf(ask);
  assert.deepEqual([code, status], [503, "not_ready"]);
  const failing = checks.filter(({ ok }) => !ok);
  assert.ok(failing.some(({ name, detail }) => name === "store" && detail !== ""));
  assert.equal((await ask("/health/live")).status, 200);
});

test("a key that nobody can unseal is no key to sign with", async (context) => {
  const { ask, gateway } = await startAdminFixture(context);
  const { keys } = gateway.parts.store;
  const before = await keys.all();
  const after = before.map((key) => ({ ...key, sealed_private_key: "AAAA" }));
  await keys.replace(before, after);
  const { code, checks } = await readinessOf(ask);
  assert.equal(code, 503);
  assert.ok(
    checks.some(({ name, ok }) => name === "signing_key" && !ok),
    JSON.stringify(checks),
  );
});
