// Tags by the API: their names are their keys, and those that only applications name are tags too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

const path = "/access/tags";
const namesIn = (list: { name: string }[]) => list.map(({ name }) => name);

const appWith = (name: string, tags: string[]) => ({
  ...{ type: "self_hosted", name, domain: `${name}.localhost`, tags },
  policies: [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }],
});

test("a tag is made, listed by name, read, renamed and deleted", async (context) => {
  const { api } = await startAdminFixture(context);
  for (const name of ["ops", "eng", "über alles"])
    assert.equal(resultOf(await api.post(path, { name }), 201).name, name);
  assert.deepEqual(namesIn(resultOf(await api.get(path))), ["eng", "ops", "über alles"]);
  assert.deepEqual(resultOf(await api.get(`${path}?page=2`)), [], "past the end");
  const again = resultOf(await api.post(path, { name: "ops" }), 201);
  assert.deepEqual(resultOf(await api.get(`${path}/ops`)), again, "a repeated request");
  const uber = `${path}/${encodeURIComponent("über alles")}`;
  assert.equal(resultOf(await api.put(uber, { name: "all" })).name, "all");
  assert.equal((await api.get(uber)).status, 404);
  assert.equal((await api.put(`${path}/all`, { name: "ops" })).errors[0]?.source?.pointer, "/name");
  assert.equal(resultOf(await api.put(`${path}/all`, { name: "all" })).name, "all");
  assert.deepEqual(resultOf(await api.delete(`${path}/all`), 202), { name: "all" });
  assert.equal((await api.delete(`${path}/all`)).status, 404);
});

test("a name that is none is refused with its pointer", async (context) => {
  const { api } = await startAdminFixture(context);
  for (const name of [undefined, null, "", 7, "a/b", "..", "x".repeat(351)]) {
    const { status, errors } = await api.post(path, { name });
    assert.equal(status, 400, String(name));
    assert.equal(errors[0]?.source?.pointer, "/name", JSON.stringify(errors));
  }
  assert.equal((await api.post(path, [])).status, 400);
  assert.deepEqual(resultOf(await api.get(path)), []);
});

test("what applications name is a tag, and goes only when they let it go", async (context) => {
  const { api } = await startAdminFixture(context);
  resultOf(await api.post(path, { name: "b" }), 201);
  const { id } = resultOf(await api.post("/access/apps", appWith("one", ["b", "a"])), 201);
  resultOf(await api.post("/access/apps", appWith("two", ["b"])), 201);
  const counts = resultOf(await api.get(path)).map(
    ({ name, app_count }: Record<string, unknown>) => [name, app_count],
  );
  assert.deepEqual(counts, [
    ["a", 1],
    ["b", 2],
  ]);
  const { status, errors } = await api.delete(`${path}/b`);
  assert.equal(status, 400);
  assert.match(errors[0]?.message ?? "", /^tag "b" is in use by 2 applications/);
  assert.equal((await api.put(`${path}/a`, { name: "c" })).status, 400);
  resultOf(await api.delete(`/access/apps/${id}`), 202);
  assert.equal((await api.delete(`${path}/a`)).status, 404, "nobody names it any more");
});

test("a tag of the file is the file's, and a narrow token sees those of its applications", async (context) => {
  const { api, clientWith, gateway } = await startAdminFixture(context, {
    tags: [{ name: "filed" }],
    applications: [appWith("one", ["a"]), appWith("two", ["b"])],
  });
  assert.equal((await api.delete(`${path}/filed`)).status, 400);
  const [one] = gateway.parts.catalogs.current().applications;
  const narrow = await clientWith(["apps:write"], [one?.id ?? ""]);
  assert.deepEqual(namesIn(resultOf(await narrow.get(path))), ["a"]);
  assert.equal((await narrow.get(`${path}/b`)).status, 404);
  assert.equal((await narrow.get(`${path}/filed`)).status, 404);
  assert.equal((await narrow.post(path, { name: "x" })).status, 403);
  assert.equal((await narrow.delete(`${path}/a`)).status, 403);
  const kinds = resultOf(await api.get("/audit_logs"));
  assert.deepEqual(kinds, [], "nothing was changed");
});
