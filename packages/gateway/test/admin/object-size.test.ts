// Objects as large as a body may make them: who writes one keeps nobody waiting, and is told in few
// words what is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

const everybody = [{ everyone: {} }];
const many = <Item>(count: number, make: (index: number) => Item) =>
  Array.from({ length: count }, (_, index) => make(index));

test("an object with more than there is use for is refused in one sentence, with the place", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const app = { type: "self_hosted", name: "Shop", domain: "shop.localhost" };
  const rules = many(2_000, () => ({}));
  const policy = { name: "p", decision: "allow", include: rules };
  const cases: [path: string, body: object, pointer: string, says: RegExp][] = [
    ["groups", { name: "g", include: many(300_000, () => ({})) }, "/include", /10000 items/],
    ["policies", { ...policy, require: many(300_000, () => 0) }, "/require", /10000 items/],
    ["apps", { ...app, policies: many(6, () => policy) }, "/policies", /10000 items/],
    ["groups", Object.fromEntries(many(2_000, (index) => [`f${index}`, 0])), "", /1000 fields/],
  ];
  for (const [path, body, pointer, says] of cases) {
    const { status, errors } = await api.post(`/access/${path}`, body);
    assert.equal(status, 400, path);
    const [error] = errors;
    assert.equal(errors.length, 1, path);
    assert.ok(error?.source?.pointer.startsWith(pointer), `${path}: ${error?.source?.pointer}`);
    assert.match(error?.message ?? "", says);
  }
  assert.deepEqual(resultOf(await api.get("/access/groups")), []);
  assert.equal(gateway.parts.catalogs.current().applications.length, 0);
});

test("a change of everything at once is held to the same bounds", async (context) => {
  const { api } = await startAdminFixture(context);
  const path = "/configuration";
  const put = (id: string, fields: object, kind = "group") => ({ kind, id, fields, before: null });
  const all = await api.patch(path, { put: Array.from({ length: 500_000 }, () => 0) });
  assert.equal(all.status, 400);
  assert.match(all.errors[0]?.message ?? "", /10000 objects at most/);
  const rules = (count: number) => ({
    name: "g",
    include: Array.from({ length: count }, () => ({})),
  });
  const large = await api.patch(path, { put: [put("g", rules(400_000))] });
  assert.equal(large.errors.length, 1);
  assert.equal(large.errors[0]?.source?.pointer, "/put/0/include");
  const wrong = await api.patch(path, { put: [put("g", rules(5_000))] });
  assert.equal(wrong.errors.length, 101);
  for (const kind of ["constructor", "__proto__", "toString", "nothing"])
    assert.equal(
      (await api.patch(path, { put: [put("x", { name: "x" }, kind)] })).status,
      400,
      kind,
    );
  assert.deepEqual(resultOf(await api.get("/access/groups")), []);
});

test("of thousands of mistakes the first hundred are told, and how many more there are", async (context) => {
  const { api } = await startAdminFixture(context);
  const { status, errors } = await api.post("/access/groups", {
    name: "g",
    include: many(5_000, () => ({})),
  });
  assert.equal(status, 400);
  assert.equal(errors.length, 101);
  assert.equal(errors[99]?.source?.pointer, "/include/99");
  assert.match(errors[100]?.message ?? "", /4900 more/);

  const list = { name: "l", type: "EMAIL" };
  for (const items of [many(60_000, () => ({})), many(60_000, () => ""), many(60_000, () => "x")]) {
    const answer = await api.post("/gateway/lists", { ...list, items });
    assert.equal(answer.status, 400);
    assert.ok(answer.errors.length <= 101, `${answer.errors.length} errors`);
  }
  const long = { ...list, items: [{ value: "ada@example.com", description: "x".repeat(1_001) }] };
  assert.equal(
    (await api.post("/gateway/lists", long)).errors[0]?.source?.pointer,
    "/items/0/description",
  );
});

test("thousands of rules beside each other are warned of by the first of them", async (context) => {
  const { api } = await startAdminFixture(context);
  const emails = (letter: string) =>
    many(4_500, (index) => ({ email: { email: `${letter}${index}@example.com` } }));
  const taken = { email: { email: "taken@example.com" } };
  const answer = await api.post("/access/groups", {
    name: "g",
    include: [...emails("a"), taken],
    exclude: [...emails("b"), taken],
  });
  resultOf(answer, 201);
  assert.deepEqual(
    answer.messages.map(({ message }) => message),
    ["include[4500] is taken back by exclude[4500]."],
  );
  const required = await api.post("/access/groups", {
    name: "r",
    include: everybody,
    require: emails("a"),
  });
  resultOf(required, 201);
  assert.equal(required.messages.length, 101);
});
