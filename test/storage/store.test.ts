// What every store must do, the same for each. Where several processes can share one, half of those
// who come at once come through a second connection.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type {
  Store,
  StoredGrant,
  StoredSshAuthority,
} from "../../packages/gateway/src/storage/store.ts";
import { changeKeys } from "../../packages/gateway/src/tokens/change-keys.ts";
import {
  authority,
  type Backend,
  backends,
  grant,
  handover,
  key,
  minute,
  object,
  pin,
  session,
  skipOf,
  time,
  transfer,
  withPeople,
} from "./backends.ts";

const day = 24 * 60 * minute;
const sealed = { body: "c2VhbGVk", service_public_key: "key", session_id: "s" };

for (const backend of backends) suite(backend.name, skipOf(backend), () => contract(backend));

function contract(backend: Backend): void {
  const open = (context: TestContext): Promise<Store> => backend.make(context)();

  /** The same twenty times at once. */
  async function crowd<T>(context: TestContext): Promise<{
    store: Store;
    atOnce(step: (store: Store, index: number) => Promise<T>): Promise<T[]>;
  }> {
    const again = backend.make(context);
    const store = await again();
    const other = backend.shared ? await again() : store;
    return {
      store,
      atOnce: (step) =>
        Promise.all(
          Array.from({ length: 20 }, (_, index) => step(index % 2 === 0 ? store : other, index)),
        ),
    };
  }

  test("a setting is set once, and everybody gets that value", async (context) => {
    const { store, atOnce } = await crowd<string>(context);
    const [value = ""] = await atOnce((each, index) =>
      each.settings.get("organization_tag", `value ${index}`),
    );
    assert.match(value, /^value \d+$/);
    assert.deepEqual(
      new Set(await atOnce((each) => each.settings.get("organization_tag", "another"))),
      new Set([value]),
    );
    assert.equal(await store.settings.get("account_id", "another"), "another");
  });

  test("an application gets one SSH authority, whoever makes it, and others have theirs", async (context) => {
    const { store, atOnce } = await crowd<StoredSshAuthority>(context);
    assert.equal(await store.sshAuthorities.find("aud"), undefined);
    const returned = await atOnce((each, index) =>
      each.sshAuthorities.add(authority("aud", { sealed_private_key: `made by ${index}` })),
    );
    const stored = await store.sshAuthorities.find("aud");
    assert.match(stored?.sealed_private_key ?? "", /^made by \d+$/);
    assert.deepEqual(returned, Array(20).fill(stored));

    await store.sshAuthorities.add(authority("another"));
    assert.deepEqual(await store.sshAuthorities.find("another"), authority("another"));
    assert.deepEqual(await store.sshAuthorities.find("aud"), stored);
  });

  test("of those who replace an SSH authority at once, the first decides", async (context) => {
    const { store, atOnce } = await crowd<StoredSshAuthority>(context);
    const before = await store.sshAuthorities.add(authority("aud"));
    await store.sshAuthorities.add(authority("another"));
    const returned = await atOnce((each, index) =>
      each.sshAuthorities.replace(before, authority("aud", { sealed_private_key: `by ${index}` })),
    );
    const stored = await store.sshAuthorities.find("aud");
    assert.match(stored?.sealed_private_key ?? "", /^by \d+$/);
    assert.deepEqual(returned, Array(20).fill(stored));
    assert.deepEqual(await store.sshAuthorities.find("another"), authority("another"));
  });

  test("objects are put, replaced and removed in one step", async (context) => {
    const store = await open(context);
    await store.objects.change(
      [
        object("a"),
        object("b"),
        object("a", { kind: "application", aud: "f00d", managed_by: "file" }),
      ],
      [],
    );
    await store.objects.change(
      [object("b", { name: "renamed", updated_at: time + 1 })],
      [{ kind: "group", id: "a" }],
    );
    assert.deepEqual(await store.objects.all(), [
      object("a", { kind: "application", aud: "f00d", managed_by: "file" }),
      object("b", { name: "renamed", updated_at: time + 1 }),
    ]);
  });

  test("some objects are read without the others, and those that are gone are left out", async (context) => {
    const store = await open(context);
    await store.objects.change(
      [object("a"), object("b"), object("c"), object("a", { kind: "policy" })],
      [],
    );
    const keys = ["c", "gone", "a"].map((id) => ({ kind: "group", id }) as const);
    const found = (await store.objects.find(keys)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(found, [object("a"), object("c")]);
    assert.deepEqual(await store.objects.find([]), []);
  });

  test("a change of objects that cannot be finished changes nothing", async (context) => {
    const store = await open(context);
    await store.objects.change([object("a")], []);
    const broken = { ...object("c"), name: null as unknown as string };
    await assert.rejects(store.objects.change([object("b"), broken], [{ kind: "group", id: "a" }]));
    assert.deepEqual(await store.objects.all(), [object("a")]);
    await store.objects.change([object("b")], []);
    assert.equal((await store.objects.all()).length, 2, "and the next change goes through");
  });

  test("keys become what the change says: added, changed, removed", async (context) => {
    const store = await open(context);
    await changeKeys(store.keys, () => [
      key("a", { state: "current", activated_at: time }),
      key("b"),
      key("c"),
    ]);
    const retired = key("a", { state: "retired", activated_at: time, retired_at: time + 5 });
    const returned = await changeKeys(store.keys, ([a, b]) => [
      { ...a, ...retired },
      { ...key("b"), ...b, state: "current" },
      key("d"),
    ]);
    assert.deepEqual(await store.keys.all(), [retired, key("b", { state: "current" }), key("d")]);
    assert.deepEqual(returned, await store.keys.all());
  });

  test("of those who change the keys at once, each sees what the one before wrote", async (context) => {
    const { store, atOnce } = await crowd<unknown>(context);
    await atOnce((each, index) =>
      changeKeys(each.keys, (keys) => (keys.length > 0 ? keys : [key(`made by ${index}`)])),
    );
    assert.equal((await store.keys.all()).length, 1, "only the first made a key");
    await atOnce((each) =>
      changeKeys(each.keys, ([only]) => [
        { ...key("made"), ...only, created_at: (only?.created_at ?? 0) + 1 },
      ]),
    );
    assert.equal((await store.keys.all())[0]?.created_at, time + 20, "no change was lost");
  });

  test("a change of keys that fails changes nothing", async (context) => {
    const store = await open(context);
    await changeKeys(store.keys, () => [key("a")]);
    await assert.rejects(
      changeKeys(store.keys, () => {
        throw new Error("cannot be unsealed");
      }),
      /cannot be unsealed/,
    );
    const broken = { ...key("c"), certificate: null as unknown as string };
    await assert.rejects(changeKeys(store.keys, () => [key("b"), broken]));
    assert.deepEqual(await store.keys.all(), [key("a")]);
  });

  test("an address is one user, however many sign in at once", async (context) => {
    const { store, atOnce } = await crowd<{ id: string }>(context);
    const users = await atOnce((each, index) =>
      each.users.forEmail("ada@example.com", time, `id ${index}`),
    );
    assert.equal(new Set(users.map(({ id }) => id)).size, 1);
    assert.deepEqual(await store.users.forEmail("bob@example.com", time, "bob"), {
      id: "bob",
      email: "bob@example.com",
      name: null,
      created_at: time,
      updated_at: null,
      last_successful_login: null,
      last_identity: null,
    });
  });

  test("a session comes back as it was written, and an unknown one does not", async (context) => {
    const store = await open(context);
    await store.users.forEmail("ada@example.com", time, "ada");
    await store.sessions.add(session("s", "ada"));
    assert.deepEqual(await store.sessions.find("s"), session("s", "ada"));
    assert.equal(await store.sessions.find("another"), undefined);
    await assert.rejects(store.sessions.add(session("s", "ada")), "an id is never used twice");
  });

  test("a person sees the sessions that are alive, and nobody else's", async (context) => {
    const store = await withPeople(await open(context));
    await store.sessions.add(session("live", "ada"));
    await store.sessions.add(session("ends now", "ada", { expires_at: time }));
    await store.sessions.add(session("revoked", "ada", { revoked_at: time - 1 }));
    await store.sessions.add(session("of bob", "bob"));
    assert.deepEqual(
      (await store.sessions.ofUser("ada", time)).map(({ id }) => id),
      ["live"],
    );
  });

  test("ending a browser's session ends the terminals that it approved, once", async (context) => {
    const store = await withPeople(await open(context));
    await store.sessions.add(session("browser", "ada"));
    for (const id of ["laptop", "server"])
      await store.sessions.add(session(id, "ada", { kind: "terminal", parent_id: "browser" }));
    await store.sessions.add(session("other browser", "ada"));
    assert.deepEqual(
      await store.sessions.revoke("laptop", time),
      ["laptop"],
      "a terminal ends alone",
    );
    assert.deepEqual((await store.sessions.revoke("browser", time + 1)).sort(), [
      "browser",
      "server",
    ]);
    assert.equal(
      (await store.sessions.find("laptop"))?.revoked_at,
      time,
      "what was over stays as it was",
    );
    assert.equal((await store.sessions.find("server"))?.revoked_at, time + 1);
    assert.equal((await store.sessions.find("other browser"))?.revoked_at, null);
    assert.deepEqual(await store.sessions.revoke("browser", time + 2), []);
    assert.deepEqual(await store.sessions.revoke("unknown", time), []);
  });

  test("ending all of a person's sessions ends no one else's", async (context) => {
    const store = await withPeople(await open(context));
    for (const id of ["one", "two"]) await store.sessions.add(session(id, "ada"));
    await store.sessions.add(session("of bob", "bob"));
    assert.deepEqual((await store.sessions.revokeAllOf("ada", time)).sort(), ["one", "two"]);
    assert.deepEqual(await store.sessions.revokeAllOf("ada", time), []);
    assert.equal((await store.sessions.find("of bob"))?.revoked_at, null);
  });

  test("a person sees the grants that hold, with what is left of each, and nobody else's", async (context) => {
    const store = await withPeople(await open(context));
    const scope = { methods: ["GET"], paths: ["/v1/orders/*"], count: 2 };
    const counted = grant("counted", { scope, label: "release bot", created_at: time + 1 });
    const grants = [
      counted,
      grant("plain"),
      grant("ends now", { expires_at: time + minute }),
      grant("revoked"),
      grant("of bob", { user_id: "bob" }),
    ];
    for (const each of grants) await addGrant(store, each);
    await store.useCounts.take("counted", time);
    await store.sessions.revoke("session of revoked", time);
    assert.deepEqual(await store.grants.ofUser("ada", time + minute), [
      { ...grant("plain"), uses_left: null },
      { ...counted, uses_left: 1 },
    ]);
    await assert.rejects(store.grants.add(counted), "an id is never used twice");
  });

  test("of twenty who take one of three uses at once, three get it", async (context) => {
    const { store, atOnce } = await crowd<boolean>(context);
    await withPeople(store);
    await addGrant(store, grant("g", { scope: { count: 3 } }));
    const takings = await atOnce((each) => each.useCounts.take("g", time));
    assert.equal(takings.filter(Boolean).length, 3);
    assert.equal((await store.grants.ofUser("ada", time))[0]?.uses_left, 0);
    assert.equal(await store.useCounts.take("unknown", time), false);
  });

  test("no use is left once the session has ended, or the time is over", async (context) => {
    const store = await withPeople(await open(context));
    await store.sessions.add(session("browser", "ada"));
    const ended = session("s", "ada", { kind: "grant", parent_id: "browser" });
    await store.sessions.add(ended);
    const count = { id: "pass", session_id: "s", uses_left: 5, expires_at: time + minute };
    await store.useCounts.add(count);
    assert.equal(await store.useCounts.take("pass", time), true);
    assert.equal(await store.useCounts.take("pass", time + minute), false);
    assert.deepEqual((await store.sessions.revoke("browser", time)).sort(), ["browser", "s"]);
    assert.equal(await store.useCounts.take("pass", time), false);
  });

  test("of twenty who take a hand-over at once, one gets it", async (context) => {
    const { store, atOnce } = await crowd<unknown>(context);
    await store.handovers.add(handover("h"));
    const taken = (await atOnce((each) => each.handovers.take("h"))).filter(
      (each) => each !== undefined,
    );
    assert.deepEqual(taken, [handover("h")]);
    assert.equal(await store.handovers.take("unknown"), undefined);
  });

  test("twenty tries of a PIN at once count as twenty (L12)", async (context) => {
    const { store, atOnce } = await crowd<number | undefined>(context);
    await store.pins.add(pin("p"));
    const tries = await atOnce(async (each) => (await each.pins.try("p"))?.tries);
    assert.deepEqual(
      tries.sort((one, two) => Number(one) - Number(two)),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.deepEqual(await store.pins.try("p"), pin("p", { tries: 21 }));
    assert.equal(await store.pins.try("unknown"), undefined);
  });

  test("of twenty who use a PIN at once, one does", async (context) => {
    const { store, atOnce } = await crowd<boolean>(context);
    await store.pins.add(pin("p"));
    const used = await atOnce((each) => each.pins.take("p"));
    assert.equal(used.filter(Boolean).length, 1);
    assert.equal(await store.pins.try("p"), undefined, "and nobody can try it again");
  });

  test("a count goes on until its window ends, then begins again", async (context) => {
    const store = await open(context);
    const count = (at: number) => store.counters.count("pins of ada", minute, at);
    assert.deepEqual(
      [await count(time), await count(time + 1), await count(time + minute - 1)],
      [1, 2, 3],
    );
    assert.deepEqual(
      [await count(time + minute), await count(time + minute + 1)],
      [1, 2],
      "counting does not prolong the window",
    );
    assert.equal(await store.counters.count("pins of bob", minute, time), 1);
    await store.counters.clear("pins of ada");
    assert.equal(await count(time + minute + 2), 1);
  });

  test("twenty events at once are counted as twenty", async (context) => {
    const { atOnce } = await crowd<number>(context);
    assert.equal(Math.max(...(await atOnce((each) => each.counters.count("k", minute, time)))), 20);
  });

  test("the first poll opens the mailbox, and those after it find that one", async (context) => {
    const { store, atOnce } = await crowd<{ address: string }>(context);
    const opened = await atOnce((each, index) =>
      each.transfers.open(transfer("t", { address: `192.0.2.${index}` })),
    );
    assert.equal(new Set(opened.map(({ address }) => address)).size, 1);
    assert.deepEqual(await store.transfers.find("t"), opened[0]);
    assert.equal(await store.transfers.find("unknown"), undefined);
  });

  test("a mailbox is delivered to one of twenty, and is empty afterwards", async (context) => {
    const { store, atOnce } = await crowd<boolean>(context);
    await store.transfers.open(transfer("t"));
    assert.equal(
      await store.transfers.move("t", { from: "waiting", to: "sealed", now: time, sealed }),
      true,
    );
    assert.deepEqual(
      await store.transfers.find("t"),
      transfer("t", { state: "sealed", ...sealed }),
    );
    assert.equal(
      await store.transfers.move("t", { from: "waiting", to: "refused", now: time }),
      false,
      "an answer stands",
    );
    const delivered = await atOnce((each) =>
      each.transfers.move("t", { from: "sealed", to: "delivered", now: time }),
    );
    assert.equal(delivered.filter(Boolean).length, 1);
    assert.deepEqual(
      await store.transfers.find("t"),
      transfer("t", { state: "delivered", session_id: "s" }),
      "which session came of it is still known",
    );
  });

  test("nothing is put into a mailbox whose time is over (T9)", async (context) => {
    const store = await open(context);
    await store.transfers.open(transfer("t", { expires_at: time }));
    assert.equal(
      await store.transfers.move("t", { from: "waiting", to: "sealed", now: time, sealed }),
      false,
    );
    assert.deepEqual(await store.transfers.find("t"), transfer("t", { expires_at: time }));
  });

  test("a poll of one mailbox is held and let go", async (context) => {
    const store = await open(context);
    await store.transfers.open(transfer("one"));
    await store.transfers.open(transfer("two"));
    await store.transfers.hold("one", time + 50_000);
    assert.equal((await store.transfers.find("one"))?.held_until, time + 50_000);
    assert.equal((await store.transfers.find("two"))?.held_until, 0);
    await store.transfers.release("one", time + 40_000);
    assert.equal((await store.transfers.find("one"))?.held_until, time + 50_000, "of another poll");
    await store.transfers.release("one", time + 50_000);
    assert.equal((await store.transfers.find("one"))?.held_until, 0);
  });

  test("what happens at the browser is noted in the place of what the caller has seen, while the mailbox waits", async (context) => {
    const store = await open(context);
    await store.transfers.open(transfer("t"));
    const progress = async () => (await store.transfers.find("t"))?.progress;
    await store.transfers.note("t", { from: null, to: "opened" });
    await store.transfers.note("t", { from: null, to: "late" });
    assert.equal(await progress(), "opened");
    await store.transfers.note("t", { from: "opened", to: "signed in" });
    assert.equal(await progress(), "signed in");
    await store.transfers.move("t", { from: "waiting", to: "refused", now: time });
    await store.transfers.note("t", { from: "signed in", to: "late" });
    assert.equal(await progress(), "signed in");
  });

  test("the sweep removes what has expired, mailboxes an hour and sessions a month later", async (context) => {
    const store = await withPeople(await open(context));
    const old = { expires_at: time - 1 };
    await store.handovers.add(handover("old", old));
    await store.handovers.add(handover("new"));
    await store.pins.add(pin("old", old));
    await store.pins.add(pin("new"));
    await store.transfers.open(transfer("old", { expires_at: time - 60 * minute - 1 }));
    await store.transfers.open(transfer("just expired", old));
    await store.transfers.open(transfer("new"));
    await store.counters.count("new", 10 * minute, time);
    await store.sessions.add(session("a month ago", "ada", { expires_at: time - 30 * day - 1 }));
    await store.sessions.add(
      session("its terminal", "ada", {
        parent_id: "a month ago",
        kind: "terminal",
        expires_at: time - 30 * day - 1,
      }),
    );
    await store.sessions.add(
      session("yesterday", "ada", { expires_at: time - day, revoked_at: time - day }),
    );
    await addGrant(store, grant("old", { ...old, scope: { count: 1 } }));
    await addGrant(store, grant("new", { scope: { count: 1 } }));
    await store.sweep(time);
    assert.deepEqual(
      (await store.grants.ofUser("ada", time - minute)).map(({ id }) => id),
      ["new"],
    );
    assert.deepEqual(
      [await store.useCounts.take("old", time - minute), await store.useCounts.take("new", time)],
      [false, true],
    );
    assert.deepEqual(
      [await store.handovers.take("old"), (await store.handovers.take("new"))?.id],
      [undefined, "new"],
    );
    assert.deepEqual([await store.pins.take("old"), await store.pins.take("new")], [false, true]);
    assert.deepEqual(
      [
        await store.transfers.find("old"),
        (await store.transfers.find("just expired"))?.id,
        (await store.transfers.find("new"))?.id,
      ],
      [undefined, "just expired", "new"],
    );
    assert.equal(await store.counters.count("new", 10 * minute, time), 2);
    assert.deepEqual(
      [await store.sessions.find("a month ago"), await store.sessions.find("its terminal")],
      [undefined, undefined],
    );
    assert.equal((await store.sessions.find("yesterday"))?.revoked_at, time - day);
  });

  test("a closed store answers nobody, and can be closed again", async (context) => {
    const store = await open(context);
    await store.close();
    await store.close();
    await assert.rejects(store.sessions.find("s"));
    await assert.rejects(store.counters.count("k", minute, time));
  });
}

/** Adds a grant and the session behind it. */
async function addGrant(store: Store, added: StoredGrant): Promise<void> {
  const { session_id, user_id } = added;
  await store.sessions.add(session(session_id, user_id, { kind: "grant" }));
  await store.grants.add(added);
}
