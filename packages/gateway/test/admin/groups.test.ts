// Groups by the API: the five verbs, in force at once, whole or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

const staff = { name: "Staff", include: [{ email_domain: { domain: "example.com" } }] };

test("a group is created, read, listed, replaced and deleted", async (context) => {
  const { api } = await startAdminFixture(context);
  const created = resultOf(await api.post("/access/groups", { ...staff, is_default: true }), 201);
  assert.match(created.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.equal(created.name, "Staff");
  assert.deepEqual(created.include, staff.include);
  assert.deepEqual(created.require, []);
  assert.equal(created.is_default, true, "a field without effect comes back");
  assert.match(created.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

  const path = `/access/groups/${created.id}`;
  assert.deepEqual(resultOf(await api.get(path)), created);
  assert.deepEqual(resultOf(await api.get("/access/groups")), [created]);

  const replaced = resultOf(await api.put(path, { ...created, name: "People", is_default: null }));
  assert.equal(replaced.name, "People");
  assert.ok(!("is_default" in replaced), "null is not set");
  assert.deepEqual(resultOf(await api.get(path)), replaced);

  assert.deepEqual(resultOf(await api.delete(path), 202), { id: created.id });
  assert.equal((await api.get(path)).status, 404);
  assert.equal((await api.delete(path)).status, 404);
  assert.deepEqual(resultOf(await api.get("/access/groups")), []);
});

test("a change is in the audit trail with what was before and after, and by whom", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/access/groups", staff), 201);
  await api.put(`/access/groups/${id}`, { ...staff, name: "People" });
  await api.delete(`/access/groups/${id}`);
  const entries: Record<string, Record<string, unknown>>[] = resultOf(await api.get("/audit_logs"));
  assert.deepEqual(
    entries.map(({ action, actor, resource, oldValueJson, newValueJson }) => [
      action?.["type"],
      actor?.["name"],
      resource?.["id"] === id,
      oldValueJson?.["name"],
      newValueJson?.["name"],
    ]),
    [
      ["deleted", "test", true, "People", undefined],
      ["updated", "test", true, "Staff", "People"],
      ["created", "test", true, undefined, "Staff"],
    ],
  );
  const events = gateway.events.filter(({ event }) => event === "admin_changed");
  assert.equal(events.length, 3, "and in the log");
});

test("what nothing changes is not written", async (context) => {
  const { api } = await startAdminFixture(context);
  const created = resultOf(await api.post("/access/groups", staff), 201);
  const again = resultOf(await api.put(`/access/groups/${created.id}`, created));
  assert.deepEqual(again, created);
  assert.equal(resultOf(await api.get("/audit_logs")).length, 1);
});

test("a group that is wrong is a 400 that names each field, and nothing is stored", async (context) => {
  const { api } = await startAdminFixture(context);
  const answer = await api.post("/access/groups", {
    name: "",
    include: [{ email: { email: "no address" } }],
    inclde: [],
  });
  assert.equal(answer.status, 400);
  assert.equal(answer.success, false);
  assert.equal(answer.result, null);
  const pointers = answer.errors.map(({ source }) => source?.pointer);
  assert.deepEqual(pointers.toSorted(), ["/include/0/email/email", "/inclde", "/name"].toSorted());
  for (const { code, message } of answer.errors) {
    assert.ok(code >= 1000);
    assert.match(message, /^(?:name|include\[0\]\.email\.email|inclde) .+\.$/);
  }
  assert.deepEqual(resultOf(await api.get("/access/groups")), []);
});

test("a group of the file is shown and is the file's to change", async (context) => {
  const sections = { groups: [{ id: "staff", ...staff }] };
  const { api, gateway } = await startAdminFixture(context, sections);
  const [shown] = resultOf(await api.get("/access/groups"));
  assert.equal(shown.managed_by, "file");
  for (const answer of [
    await api.put("/access/groups/staff", { ...staff, name: "Other" }),
    await api.delete("/access/groups/staff"),
  ]) {
    assert.equal(answer.status, 400);
    assert.match(answer.errors[0]?.message ?? "", /in the configuration file; change it there/);
  }
  assert.equal(gateway.parts.catalogs.current().groups.get("staff")?.name, "Staff");
});

test("a group that another one uses is not deleted, and says by what it is used", async (context) => {
  const { api } = await startAdminFixture(context);
  const inner = resultOf(await api.post("/access/groups", staff), 201);
  const outer = { name: "All", include: [{ group: { id: inner.id } }] };
  const { id } = resultOf(await api.post("/access/groups", outer), 201);
  const refused = await api.delete(`/access/groups/${inner.id}`);
  assert.equal(refused.status, 400);
  assert.match(refused.errors[0]?.message ?? "", /group "Staff" is in use by group "All"/);

  const loop = { ...staff, include: [{ group: { id } }] };
  const looped = await api.put(`/access/groups/${inner.id}`, loop);
  assert.match(looped.errors[0]?.message ?? "", /contains itself/);
  resultOf(await api.delete(`/access/groups/${id}`), 202);
  resultOf(await api.delete(`/access/groups/${inner.id}`), 202);
});

test("a list ends: a page past the end is empty, and filters go by name", async (context) => {
  const { api } = await startAdminFixture(context);
  for (const name of ["Ada", "Bob", "Adam"]) await api.post("/access/groups", { ...staff, name });
  const names = async (query: string) =>
    resultOf(await api.get(`/access/groups?${query}`)).map((each: { name: string }) => each.name);
  assert.deepEqual(await names("page=1&per_page=2"), ["Ada", "Bob"]);
  assert.deepEqual(await names("page=2&per_page=2"), ["Adam"]);
  assert.deepEqual(await names("page=3&per_page=2"), []);
  assert.deepEqual(await names("page=2"), []);
  assert.deepEqual(await names("name=ada"), ["Ada", "Adam"]);
  assert.deepEqual(await names("name=Ada&exact=true"), ["Ada"]);
  assert.deepEqual(await names("search=BOB"), ["Bob"]);
  const { result_info } = await api.get("/access/groups?page=2&per_page=2");
  assert.deepEqual(result_info, {
    ...{ page: 2, per_page: 2, count: 1 },
    ...{ total_count: 3, total_pages: 2 },
  });
  for (const query of ["page=0", "page=x", "per_page=-1", "page=1e3"])
    assert.equal((await api.get(`/access/groups?${query}`)).status, 400, query);
});

test("a rule that nobody has heard of is stored and returned as it was sent, with a message, and a slip is refused", async (context) => {
  const { api } = await startAdminFixture(context);
  const include = [{ phase_of_the_moon: { phase: "full" } }, ...staff.include];
  const answer = await api.post("/access/groups", { ...staff, include });
  const { id } = resultOf(answer, 201);
  assert.match(answer.messages[0]?.message ?? "", /fails closed/);
  assert.deepEqual(resultOf(await api.get(`/access/groups/${id}`)).include, include);
  const slip = await api.post("/access/groups", {
    ...staff,
    include: [{ emial: { email: "a@b.c" } }],
  });
  assert.equal(slip.status, 400);
  assert.match(slip.errors[0]?.message ?? "", /do you mean email\?/);
});
