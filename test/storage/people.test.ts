// What every store knows of people, of the revocation of applications and of the use of service
// tokens.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { Store } from "../../packages/gateway/src/storage/store.ts";
import { type Backend, backends, grant, minute, session, time, withPeople } from "./backends.ts";

const page = { limit: 50, offset: 0 };

for (const backend of backends) suite(backend.name, () => contract(backend));

function contract(backend: Backend): void {
  const open = async (context: TestContext): Promise<Store> =>
    withPeople(await backend.make(context)());

  test("a browser's login is the last login of its user, and a terminal's session is none", async (context) => {
    const store = await open(context);
    assert.deepEqual(await store.users.find("ada"), {
      id: "ada",
      email: "ada@example.com",
      name: null,
      created_at: time,
      updated_at: null,
      last_successful_login: null,
      last_identity: null,
    });
    const login = session("s", "ada", { created_at: time + minute });
    await store.sessions.add(login);
    await store.sessions.add(
      session("t", "ada", { kind: "terminal", parent_id: "s", created_at: time + 2 * minute }),
    );
    const user = await store.users.find("ada");
    assert.equal(user?.last_successful_login, time + minute);
    assert.equal(user?.name, login.identity.name);
    assert.deepEqual(user?.last_identity, login.identity);
    assert.deepEqual(await store.users.withEmail("ada@example.com"), user);
    assert.equal(await store.users.find("nobody"), undefined);
    assert.equal(await store.users.withEmail("nobody@example.com"), undefined);
  });

  test("users are listed by address, page by page, and by a part of address or name", async (context) => {
    const store = await open(context);
    await store.users.forEmail("percent%_x@example.com", time, "percent");
    assert.equal(await store.users.rename("bob", "Robert O'Hara", time + 1), true);
    assert.equal(await store.users.rename("nobody", "No", time), false);
    const ids = async (query: object) => {
      const { items, total } = await store.users.list({ ...page, ...query });
      return [...items.map(({ id }) => id), total];
    };
    assert.deepEqual(await ids({}), ["ada", "bob", "percent", 3]);
    assert.deepEqual(await ids({ limit: 1, offset: 1 }), ["bob", 3]);
    assert.deepEqual(await ids({ offset: 3 }), [3], "past the end");
    assert.deepEqual(await ids({ email: "BOB@" }), ["bob", 1]);
    assert.deepEqual(await ids({ name: "o'hara" }), ["bob", 1]);
    assert.deepEqual(await ids({ search: "robert" }), ["bob", 1]);
    assert.deepEqual(await ids({ search: "ada" }), ["ada", 1]);
    assert.deepEqual(await ids({ email: "%" }), ["percent", 1], "no wildcard");
    assert.deepEqual(await ids({ email: "_" }), ["percent", 1], "no wildcard");
    assert.deepEqual(await ids({ email: "\\" }), [0]);
  });

  test("whoever is removed goes with everything of theirs, and comes again as somebody else", async (context) => {
    const store = await open(context);
    await store.sessions.add(session("s", "ada"));
    await store.sessions.add(session("ended", "ada"));
    await store.sessions.revoke("ended", time);
    await store.sessions.add(session("t", "ada", { kind: "terminal", parent_id: "s" }));
    await store.sessions.add(session("g", "ada", { kind: "grant", parent_id: "s" }));
    await store.grants.add(grant("lent", { session_id: "g", scope: { count: 3 } }));
    await store.sessions.add(session("other", "bob"));

    const ended = await store.users.remove("ada", time + minute);
    assert.deepEqual(ended?.toSorted(), ["g", "s", "t"]);
    assert.equal(await store.users.remove("ada", time + minute), undefined);
    for (const id of ["s", "t", "g", "ended"])
      assert.equal(await store.sessions.find(id), undefined, id);
    assert.equal(await store.useCounts.take("lent", time), false);
    assert.notEqual(await store.sessions.find("other"), undefined);
    await assert.rejects(store.sessions.add(session("late", "ada")), "a login that was under way");

    const again = await store.users.forEmail("ada@example.com", time, "another ada");
    assert.equal(again.id, "another ada");
  });

  test("all sessions that are alive are listed, the latest first, page by page", async (context) => {
    const store = await open(context);
    for (const [index, user] of ["ada", "bob", "ada", "bob"].entries())
      await store.sessions.add(session(`s${index}`, user, { created_at: time + index }));
    await store.sessions.add(session("old", "ada", { expires_at: time }));
    await store.sessions.revoke("s2", time);
    const { items, total } = await store.sessions.list(time, page);
    assert.deepEqual(
      items.map(({ id }) => id),
      ["s3", "s1", "s0"],
    );
    assert.equal(total, 3);
    const second = await store.sessions.list(time, { limit: 1, offset: 1 });
    assert.deepEqual(
      second.items.map(({ id }) => id),
      ["s1"],
    );
    assert.deepEqual(await store.sessions.list(time, { limit: 1, offset: 3 }), {
      items: [],
      total: 3,
    });
  });

  test("an application's tokens are revoked with the grants for it, and nobody else's", async (context) => {
    const store = await open(context);
    await store.sessions.add(session("s", "ada"));
    for (const aud of ["one", "two"]) {
      await store.sessions.add(session(`g ${aud}`, "ada", { kind: "grant", parent_id: "s" }));
      await store.grants.add(grant(`lent ${aud}`, { session_id: `g ${aud}`, aud }));
    }
    assert.equal(await store.generations.find("one"), undefined);
    const first = { aud: "one", generation: "first", revoked_at: time };
    assert.deepEqual(await store.generations.put(first), ["g one"]);
    assert.deepEqual(await store.generations.find("one"), first);
    assert.equal(await store.generations.find("two"), undefined);
    assert.equal((await store.sessions.find("g one"))?.revoked_at, time);
    assert.equal((await store.sessions.find("g two"))?.revoked_at, null);
    assert.equal((await store.sessions.find("s"))?.revoked_at, null);

    const second = { aud: "one", generation: "second", revoked_at: time + 1 };
    assert.deepEqual(await store.generations.put(second), []);
    assert.deepEqual(await store.generations.find("one"), second);
  });

  test("the latest use of a service token counts, whoever notes it last", async (context) => {
    const store = await open(context);
    await store.tokenUses.note([
      { id: "a", last_used_at: time },
      { id: "b", last_used_at: time + 5 },
    ]);
    await store.tokenUses.note([
      { id: "a", last_used_at: time + 9 },
      { id: "b", last_used_at: time + 4 },
    ]);
    const uses = await store.tokenUses.find(["a", "b", "never"]);
    assert.deepEqual(
      uses.toSorted((one, other) => (one.id < other.id ? -1 : 1)),
      [
        { id: "a", last_used_at: time + 9 },
        { id: "b", last_used_at: time + 5 },
      ],
    );
    await store.tokenUses.forget(["a"]);
    assert.deepEqual(await store.tokenUses.find(["a"]), []);
    const many = Array.from({ length: 1_200 }, (_, index) => `id${index}`);
    assert.deepEqual(await store.tokenUses.find([...many, "b"]), [
      { id: "b", last_used_at: time + 5 },
    ]);
    await store.tokenUses.note([]);
    await store.tokenUses.forget([]);
  });

  test("a setting that is set is what is in force, and one that nobody set is not there", async (context) => {
    const store = await open(context);
    assert.equal(await store.settings.find("a"), undefined);
    await store.settings.set("a", "one");
    await store.settings.set("a", "two");
    assert.equal(await store.settings.find("a"), "two");
    assert.equal(await store.settings.get("a", "three"), "two");
  });
}
