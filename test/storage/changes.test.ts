// Several processes with one database: what one changes and the caches of the others depend on is
// told to them, and nothing else.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { StoreChange } from "../../packages/gateway/src/storage/store.ts";
import { changeKeys } from "../../packages/gateway/src/tokens/change-keys.ts";
import { until } from "../support/until.ts";
import {
  auditEntry,
  type Backend,
  backends,
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

const sealed = { body: "c2VhbGVk", service_public_key: "key", session_id: "s" };

for (const backend of backends.filter(({ shared }) => shared))
  suite(backend.name, skipOf(backend), () => contract(backend));

function contract(backend: Backend): void {
  /** Two processes with the same database, and what the first is told of the second. */
  async function watched(context: TestContext) {
    const again = backend.make(context);
    const [store, other] = [await withPeople(await again()), await again()];
    const news: StoreChange[] = [];
    const stop = store.watch((changes) => news.push(...changes));
    let marks = 0;
    return {
      store,
      other,
      stop,
      /** All that was told until now. Changes are told in order: a last one ends the list. */
      async news(): Promise<StoreChange[]> {
        const mark = `mark ${marks++}`;
        await other.objects.change([object(mark)], []);
        await until(() => news.some((change) => change.what === "object" && change.id === mark));
        return news.splice(0).slice(0, -1);
      },
    };
  }

  test("another process's changes are told in order, one's own are not", async (context) => {
    const { store, other, news } = await watched(context);
    assert.deepEqual(await news(), [], "nothing happened");
    await store.sessions.add(session("s", "ada"));
    await store.sessions.add(session("terminal", "ada", { parent_id: "s", kind: "terminal" }));
    await changeKeys(store.keys, () => [key("a")]);
    await store.objects.change([object("mine")], []);
    assert.deepEqual(await news(), [], "it was this store itself");

    await changeKeys(other.keys, (keys) => [...keys, key("b")]);
    await other.sessions.revoke("s", time);
    await other.objects.change(
      [object("a"), object("b", { kind: "application" })],
      [{ kind: "group", id: "mine" }],
    );
    await other.transfers.open(transfer("t"));
    await other.transfers.hold("t", time + minute);
    await other.transfers.release("t", time + minute);
    await other.transfers.move("t", { from: "waiting", to: "sealed", now: time, sealed });
    const told = await news();
    assert.deepEqual(
      [...new Set(told.map(({ what }) => what))],
      ["keys", "session", "object", "transfer"],
    );
    assert.deepEqual(sorted(told), [
      { what: "keys" },
      { what: "object", kind: "application", id: "b" },
      { what: "object", kind: "group", id: "a" },
      { what: "object", kind: "group", id: "mine" },
      { what: "session", id: "s" },
      { what: "session", id: "terminal" },
      { what: "transfer", id: "t" },
      { what: "transfer", id: "t" },
      { what: "transfer", id: "t" },
    ]);
    assert.deepEqual(await news(), [], "and it is no news any more");
  });

  test("what no cache depends on is not told", async (context) => {
    const { other, news } = await watched(context);
    await other.settings.get("account_id", "value");
    await other.users.forEmail("carol@example.com", time, "carol");
    await other.sessions.add(session("s", "ada"));
    await other.handovers.add(handover("h"));
    await other.handovers.take("h");
    await other.pins.add(pin("p"));
    await other.pins.try("p");
    await other.pins.take("p");
    await other.counters.count("k", minute, time);
    await other.counters.clear("k");
    await other.transfers.open(transfer("t"));
    await other.sweep(time);
    assert.deepEqual(await news(), []);
  });

  test("what changed nothing is not told", async (context) => {
    const { other, news } = await watched(context);
    await changeKeys(other.keys, (keys) => keys);
    await other.keys.replace([key("nobody has it")], [key("a")]);
    await other.sessions.revoke("unknown", time);
    await other.sessions.revokeAllOf("bob", time);
    await other.transfers.release("unknown", time + minute);
    await other.transfers.move("unknown", { from: "waiting", to: "sealed", now: time, sealed });
    const broken = { ...object("c"), name: null as unknown as string };
    await assert.rejects(other.objects.change([object("b"), broken], []));
    assert.deepEqual(await news(), []);
  });

  test("whoever watches no more is told nothing", async (context) => {
    const { store, other, stop } = await watched(context);
    const told: StoreChange[] = [];
    stop();
    const again = store.watch((changes) => told.push(...changes));
    await changeKeys(other.keys, () => [key("a")]);
    await until(() => told.length > 0);
    again();
    await changeKeys(other.keys, () => [key("b")]);
    const last: StoreChange[] = [];
    store.watch((changes) => last.push(...changes));
    await until(() => last.length >= 2);
    assert.deepEqual(told, [{ what: "keys" }]);
  });

  test("what changes between opening and watching is told", async (context) => {
    const again = backend.make(context);
    const [store, other] = [await again(), await again()];
    await changeKeys(other.keys, () => [key("a")]);
    const news: StoreChange[] = [];
    store.watch((changes) => news.push(...changes));
    await until(() => news.length > 0);
    assert.deepEqual(news, [{ what: "keys" }]);
  });

  test("objects that were changed since a position are told, whoever did it, and nothing else", async (context) => {
    const again = backend.make(context);
    const [store, other] = [await withPeople(await again()), await again()];
    const first = await store.objects.changedSince();
    assert.equal(first.changed, "all", "nothing is known yet");
    assert.deepEqual(await store.objects.changedSince(first.position), {
      position: first.position,
      changed: [],
    });
    await store.objects.change([object("mine")], []);
    await other.objects.change([object("theirs")], [{ kind: "policy", id: "gone" }]);
    await changeKeys(other.keys, () => [key("a")]);
    const { position, changed } = await store.objects.changedSince(first.position);
    assert.deepEqual(changed, [
      { kind: "group", id: "mine" },
      { kind: "policy", id: "gone" },
      { kind: "group", id: "theirs" },
    ]);
    assert.deepEqual(await other.objects.changedSince(position), { position, changed: [] });
    const ahead = await store.objects.changedSince(position + 5);
    assert.equal(ahead.changed, "all", "a database of before");
  });

  test("what was judged at a position is written only where no object was changed since", async (context) => {
    const again = backend.make(context);
    const [store, other] = [await withPeople(await again()), await again()];
    const { position } = await store.objects.changedSince();
    await other.sessions.add(session("s", "ada"));
    await other.sessions.revoke("s", time);
    const next = await store.objects.change([object("a")], [], [], position);
    assert.ok(next !== undefined && next > position, "sessions are no objects");
    assert.equal(await other.objects.change([object("b")], [], [], position), undefined);
    assert.deepEqual(await store.objects.all(), [object("a")]);
    assert.notEqual(await other.objects.change([object("b")], [], [], next), undefined);

    // Of many who judged at one position one is right.
    const { position: now } = await store.objects.changedSince();
    const writes = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? store : other));
    const ends = await Promise.all(
      writes.map(({ objects }, index) =>
        objects.change([object(`c${index}`)], [], [auditEntry(`c${index}`)], now),
      ),
    );
    assert.equal(ends.filter((end) => end !== undefined).length, 1);
    assert.equal((await store.objects.all()).length, 3);
    const page = { since: 0, until: Number.MAX_SAFE_INTEGER, offset: 0, limit: 50 };
    assert.equal((await store.audit.page(page)).total, 1, "nothing is told of the others");
  });

  test("whoever was away while old entries were removed is told that everything may have changed", async (context) => {
    const again = backend.make(context);
    const [store, other] = [await again(), await again()];
    const many = Array.from({ length: 10_001 }, (_, index) => object(`object ${index}`));
    await other.objects.change(many, []);
    const news: StoreChange[] = [];
    store.watch((changes) => news.push(...changes));
    await until(() => news.length > 0);
    assert.deepEqual(news, [{ what: "everything" }]);
    const first = await store.objects.changedSince(0);
    assert.equal(first.changed, "all", "nobody can tell");
    assert.equal(await store.objects.change([object("x")], [], [], 0), undefined);
    news.splice(0);
    await changeKeys(other.keys, () => [key("a")]);
    await until(() => news.length > 0);
    assert.deepEqual(news, [{ what: "keys" }], "and from there on what changes");
  });
}

function sorted(changes: readonly StoreChange[]): StoreChange[] {
  return changes.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}
