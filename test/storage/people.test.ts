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

  test("sessions are listed by kind, person and application, and what was ended or revoked is not there", async (context) => {
    const store = await open(context);
    const sessions = [
      session("b", "ada"),
      session("t", "ada", { kind: "terminal", parent_id: "b", created_at: time + 1 }),
      session("g", "ada", { kind: "grant", parent_id: "b", created_at: time + 2 }),
      session("c", "bob", { created_at: time + 3 }),
      session("d", "bob", { created_at: time + 4, expires_at: time + minute }),
    ];
    for (const each of sessions) await store.sessions.add(each);
    for (const session_id of ["b", "b", "t", "c", "d", "nobody"])
      await store.sessions.noteApplication({ session_id, aud: "app" });
    await store.sessions.noteApplication({ session_id: "c", aud: "other" });
    await store.grants.add(grant("lent", { session_id: "g", aud: "app" }));
    const ids = async (query: object, now = time) => {
      const { items, total } = await store.sessions.list(now, { ...page, ...query });
      return [...items.map(({ id }) => id), total];
    };
    assert.deepEqual(await ids({}), ["d", "c", "g", "t", "b", 5]);
    assert.deepEqual(await ids({ kind: "terminal" }), ["t", 1]);
    assert.deepEqual(await ids({ userId: "ada" }), ["g", "t", "b", 3]);
    assert.deepEqual(await ids({ aud: "app" }), ["d", "c", "g", "t", "b", 5]);
    assert.deepEqual(await ids({ aud: "app", limit: 2, offset: 1 }), ["c", "g", 5]);
    assert.deepEqual(await ids({ aud: "app" }, time + minute), ["c", "g", "t", "b", 4]);
    assert.deepEqual(await ids({ aud: "app", kind: "grant" }), ["g", 1]);
    assert.deepEqual(await ids({ aud: "app", userId: "bob" }), ["d", "c", 2]);
    assert.deepEqual(await ids({ aud: "nothing" }), [0]);

    const used = await store.sessions.applicationsOf(["b", "c"]);
    assert.deepEqual(used.map(({ session_id, aud }) => `${session_id} ${aud}`).toSorted(), [
      "b app",
      "c app",
      "c other",
    ]);
    assert.deepEqual(await store.sessions.applicationsOf([]), []);
    await store.sessions.revoke("b", time);
    await store.sessions.noteApplication({ session_id: "b", aud: "other" });
    assert.deepEqual(await ids({ aud: "app" }), ["d", "c", 2], "with what it had approved");
    assert.deepEqual(await ids({ aud: "other" }), ["c", 1], "an ended session gets no token");
    await store.generations.put({ aud: "app", generation: "next", revoked_at: time });
    assert.deepEqual(await ids({ aud: "app" }), [0]);
    assert.deepEqual(await ids({ userId: "bob" }), ["d", "c", 2], "they are signed in");
  });

  test("a session is found by the beginning of its id, and a grant by its own", async (context) => {
    const store = await open(context);
    for (const id of ["ab01", "ab02", "b0"]) await store.sessions.add(session(id, "ada"));
    const found = async (prefix: string) =>
      (await store.sessions.withPrefix(prefix)).map(({ id }) => id);
    assert.deepEqual(await found("ab"), ["ab01", "ab02"]);
    assert.deepEqual(await found("ab02"), ["ab02"]);
    assert.deepEqual(await found("ab0f"), []);
    const lent = grant("lent", { session_id: "b0", scope: { count: 3 } });
    await store.grants.add(lent);
    assert.deepEqual(await store.grants.find("lent"), lent);
    assert.equal(await store.grants.find("nothing"), undefined);
    assert.deepEqual(await store.grants.ofSessions(["b0", "ab01"]), [{ ...lent, uses_left: 3 }]);
    assert.deepEqual(await store.grants.ofSessions([]), []);
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
