// What every store knows of those who administer: their tokens, what they changed, and the policies
// that they try.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { Store } from "../../packages/gateway/src/storage/store.ts";
import {
  adminToken,
  auditEntry,
  type Backend,
  backends,
  minute,
  policyTest,
  skipOf,
  time,
  withPeople,
} from "./backends.ts";

for (const backend of backends) suite(backend.name, skipOf(backend), () => contract(backend));

function contract(backend: Backend): void {
  const open = (context: TestContext): Promise<Store> => backend.make(context)();

  test("admin tokens are found by their hash, listed as they were made, and open nothing once removed", async (context) => {
    const { adminTokens } = await open(context);
    const first = adminToken("b");
    const second = adminToken("a", {
      ...{ created_at: time + 1, expires_at: time + minute },
      ...{ permissions: [], applications: ["app", "ünï"] },
    });
    const none = adminToken("c", { created_at: time + 2, applications: [] });
    for (const token of [second, none, first]) await adminTokens.add(token);
    assert.deepEqual(await adminTokens.all(), [first, second, none]);
    assert.deepEqual(await adminTokens.findByHash(second.hash), second);
    assert.deepEqual(await adminTokens.findByHash(none.hash), none, "for no application at all");
    assert.equal(await adminTokens.findByHash("another"), undefined);
    assert.equal(await adminTokens.findByHash(second.hash.toUpperCase()), undefined);
    assert.equal(await adminTokens.remove("a"), true);
    assert.equal(await adminTokens.remove("a"), false);
    assert.equal(await adminTokens.findByHash(second.hash), undefined);
    assert.deepEqual(await adminTokens.all(), [first, none]);
  });

  test("an admin token's id and its hash are its own", async (context) => {
    const { adminTokens } = await open(context);
    await adminTokens.add(adminToken("a"));
    await assert.rejects(adminTokens.add(adminToken("a", { hash: "another" })));
    await assert.rejects(adminTokens.add(adminToken("b", { hash: "hash of a" })));
    assert.deepEqual(await adminTokens.all(), [adminToken("a")]);
  });

  test("changes are listed newest first, page by page, from one time to another", async (context) => {
    const { audit } = await open(context);
    const times = [3, 1, 2, 2, 5];
    for (const [index, after] of times.entries())
      await audit.add(auditEntry(`e${index}`, { created_at: time + after }));
    const ids = async (more: object) => {
      const page = { since: 0, until: Number.MAX_SAFE_INTEGER, offset: 0, limit: 10, ...more };
      const { entries, total } = await audit.page(page);
      return [entries.map(({ id }) => id).join(" "), total];
    };
    assert.deepEqual(await ids({}), ["e4 e0 e3 e2 e1", 5]);
    assert.deepEqual(await ids({ limit: 2, offset: 1 }), ["e0 e3", 5]);
    assert.deepEqual(await ids({ offset: 5 }), ["", 5], "past the end");
    assert.deepEqual(await ids({ since: time + 2, until: time + 3 }), ["e0 e3 e2", 3]);
    const { entries } = await audit.page({ since: 0, until: time + 1, offset: 0, limit: 1 });
    assert.deepEqual(entries, [auditEntry("e1", { created_at: time + 1 })]);
  });

  test("changes go when they were kept for long enough, more than a step at once", async (context) => {
    const store = await open(context);
    const page = { since: 0, until: Number.MAX_SAFE_INTEGER, offset: 0, limit: 10 };
    for (let index = 0; index < 230; index++) await store.audit.add(auditEntry(`old ${index}`));
    await store.audit.add(auditEntry("new", { created_at: time + 1 }));
    const ends = { signInsBefore: 0, requestsBefore: 0, auditBefore: time + 1 };
    await store.sweep(time + minute);
    assert.equal((await store.audit.page(page)).total, 231, "nobody said for how long");
    await store.sweep(time + minute, ends);
    const { entries, total } = await store.audit.page(page);
    assert.deepEqual([entries.map(({ id }) => id), total], [["new"], 1]);
  });

  test("a change of objects and what is written down of it are one step", async (context) => {
    const { objects, audit } = await open(context);
    const page = { since: 0, until: Number.MAX_SAFE_INTEGER, offset: 0, limit: 10 };
    const { id } = auditEntry("e");
    const group = { kind: "group" as const, id: "g", name: "G", aud: null, body: "{}" };
    const row = { ...group, managed_by: "api" as const, created_at: time, updated_at: time };
    await objects.change([row], [], [auditEntry(id, { before: null })]);
    await assert.rejects(objects.change([], [row], [auditEntry(id)]), "an entry is written once");
    assert.deepEqual(await objects.all(), [row], "so the object is still there");
    assert.deepEqual((await audit.page(page)).entries, [auditEntry(id, { before: null })]);
  });

  test("a policy test is what has come of it so far", async (context) => {
    const { policyTests } = await open(context);
    await policyTests.add(policyTest("t"));
    await policyTests.add(policyTest("other"));
    assert.deepEqual(await policyTests.find("t"), policyTest("t"));
    const counts = { approved: 1, blocked: 2, errored: 0, completed_at: time + 5 };
    await policyTests.progress("t", counts);
    assert.deepEqual(await policyTests.find("t"), policyTest("t", counts));
    assert.deepEqual(await policyTests.find("other"), policyTest("other"));
    assert.equal(await policyTests.find("none"), undefined);
    await assert.rejects(policyTests.add(policyTest("t")));
  });

  test("people are read by address, each once, however many there are", async (context) => {
    const { users } = await withPeople(await open(context));
    const first = await users.after("", 1);
    assert.deepEqual(
      first.map(({ id }) => id),
      ["ada"],
    );
    const rest = await users.after(first[0]?.email ?? "", 10);
    assert.deepEqual(
      rest.map(({ id }) => id),
      ["bob"],
    );
    assert.deepEqual(await users.after("bob@example.com", 10), []);
  });
}
