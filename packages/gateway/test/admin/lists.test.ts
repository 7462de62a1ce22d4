// Lists by the API: what a rule of a policy names by the thousand, changed in pieces.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

const people = { name: "People", type: "EMAIL", items: [{ value: "ada@example.com" }] };

test("a list is created, read, replaced and deleted, and keeps its items where a write leaves them out", async (context) => {
  const { api } = await startAdminFixture(context);
  const created = resultOf(await api.post("/gateway/lists", people), 201);
  assert.equal(created.count, 1);
  assert.deepEqual(created.items, people.items);
  const path = `/gateway/lists/${created.id}`;
  assert.deepEqual(resultOf(await api.get(path)), created);

  const renamed = resultOf(await api.put(path, { name: "Staff", description: "of ours" }));
  assert.deepEqual([renamed.name, renamed.type, renamed.items], ["Staff", "EMAIL", people.items]);
  const emptied = resultOf(await api.put(path, { name: "Staff", items: [] }));
  assert.equal(emptied.count, 0);
  assert.deepEqual(resultOf(await api.get("/gateway/lists?type=IP")), []);
  assert.equal(resultOf(await api.get("/gateway/lists?type=EMAIL")).length, 1);
  resultOf(await api.delete(path));
  assert.equal((await api.get(path)).status, 404);
});

test("items are appended and removed in pieces, and listed in pages that end", async (context) => {
  const { api } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/gateway/lists", people), 201);
  const path = `/gateway/lists/${id}`;
  const append = Array.from({ length: 120 }, (_, nth) => ({ value: `p${nth}@example.com` }));
  const changed = resultOf(await api.patch(path, { append, remove: ["ADA@example.com"] }));
  assert.equal(changed.count, 120);
  const pages = await Promise.all(
    [1, 2, 3, 4].map((page) => api.get(`${path}/items?page=${page}`)),
  );
  assert.deepEqual(
    pages.map((page) => resultOf(page).length),
    [50, 50, 20, 0],
  );
});

test("what is no item of the list's type is refused with its place, and nothing is changed", async (context) => {
  const { api } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/gateway/lists", people), 201);
  const wrong = await api.patch(`/gateway/lists/${id}`, { append: [{ value: "192.0.2.7" }] });
  assert.equal(wrong.status, 400);
  assert.equal(wrong.errors[0]?.source?.pointer, "/items/1/value");
  assert.equal(resultOf(await api.get(`/gateway/lists/${id}`)).count, 1);
  assert.equal((await api.post("/gateway/lists", { ...people, type: "URL" })).status, 400);
});

test("a group that names a list holds it: it cannot be deleted, and its edit is in force at once", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/gateway/lists", people), 201);
  const group = { name: "G", include: [{ email_list: { id } }] };
  resultOf(await api.post("/access/groups", group), 201);
  assert.equal((await api.delete(`/gateway/lists/${id}`)).status, 400);
  const unknown = { name: "H", include: [{ ip_list: { id } }] };
  const refused = await api.post("/access/groups", unknown);
  assert.match(refused.errors[0]?.message ?? "", /names a list of type EMAIL/);
  resultOf(await api.patch(`/gateway/lists/${id}`, { append: [{ value: "bob@example.com" }] }));
  const inForce = gateway.parts.catalogs.current().lists.get(id);
  assert.deepEqual(
    inForce?.items.map(({ value }) => value),
    ["ada@example.com", "bob@example.com"],
  );
});

test("a token without the permission reads or writes no list", async (context) => {
  const { clientWith } = await startAdminFixture(context);
  const other = await clientWith(["apps:write"]);
  assert.equal((await other.get("/gateway/lists")).status, 403);
  const reader = await clientWith(["lists:read"]);
  assert.equal((await reader.post("/gateway/lists", people)).status, 403);
  assert.equal((await reader.get("/gateway/lists")).status, 200);
});
