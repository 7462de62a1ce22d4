// Health asks what every request needs: it is well when all of that works, and says what does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../../../../test/support/free-port.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
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
  assert.deepEqual(names, ["store", "store_write", "signing_key", "catalog", "listener_1"]);
});

test("the listeners beside the public one are asked as well, whatever they answer", async (context) => {
  const [redirectPort, decisionPort] = [await freePort(), await freePort()];
  const certificate = certificateFor(context, ["login.localhost"]);
  const { ask } = await startAdminFixture(context, {
    tls: { certificates: [certificate] },
    redirect_http: `127.0.0.1:${redirectPort}`,
    forward_auth: {
      listen: `127.0.0.1:${decisionPort}`,
      proxies: [{ dialect: "nginx", cidr: "127.0.0.1/32" }],
    },
  });
  const { code, checks } = await readinessOf(ask);
  assert.equal(code, 200, JSON.stringify(checks));
  const names = checks.map(({ name }) => name).slice(-3);
  assert.deepEqual(names, ["listener_1", "redirect_http", "forward_auth"]);
});

test("asking whether a gateway is ready writes one row, however often it is asked (O8)", async (context) => {
  const { ask, gateway } = await startAdminFixture(context);
  for (let turn = 0; turn < 5; turn++) {
    gateway.clock.ahead += 6_000;
    assert.equal((await readinessOf(ask)).code, 200);
  }
  const { now, store } = gateway.parts;
  assert.equal(await store.counters.count("health", 60_000, now()), 6);
});

test("a gateway whose store is gone is live and not ready, and says which step fails", async (context) => {
  const { ask, gateway } = await startAdminFixture(context);
  await gateway.parts.store.close();
  const { code, status, checks } = await readinessOf(ask);
  assert.deepEqual([code, status], [503, "not_ready"]);
  const failing = checks.filter(({ ok }) => !ok);
  for (const step of ["store", "store_write", "signing_key"])
    assert.ok(
      failing.some(({ name, detail }) => name === step && detail !== ""),
      step,
    );
  assert.equal((await ask("/health/live")).status, 200);
});

test("a store without a key that signs is not ready, and serves whom it knows", async (context) => {
  const { ask, gateway } = await startAdminFixture(context);
  const { keys } = gateway.parts.store;
  await keys.replace(await keys.all(), []);
  const { code, checks } = await readinessOf(ask);
  assert.equal(code, 503);
  const [failing] = checks.filter(({ ok }) => !ok);
  assert.deepEqual([failing?.name, failing?.detail], ["signing_key", "no key signs"]);
  const metrics = await (await ask("/metrics")).text();
  assert.match(metrics, /postern_healthy\{check="signing_key"\} 0\n/);
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
