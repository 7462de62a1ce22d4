// Several processes with one database: what one changes and the caches of the others depend on is
// told to them, and nothing else.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { StoreChange } from "../../packages/gateway/src/storage/store.ts";
import { changeKeys } from "../../packages/gateway/src/tokens/change-keys.ts";
import { until } from "../support/until.ts";
import {
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

  test("whoever was away while old entries were removed is told that everything may have changed", async (context) => {
    const again = backend.make(context);
    const [store, other] = [await again(), await again()];
    const many = Array.from({ length: 10_001 }, (_, index) => object(`object ${index}`));
    await other.objects.change(many, []);
    const news: StoreChange[] = [];
    store.watch((changes) => news.push(...changes));
    await until(() => news.length > 0);
    assert.deepEqual(news, [{ what: "everything" }]);
    news.splice(0);
    await changeKeys(other.keys, () => [key("a")]);
    await until(() => news.length > 0);
    assert.deepEqual(news, [{ what: "keys" }], "and from there on what changes");
  });
}

function sorted(changes: readonly StoreChange[]): StoreChange[] {
  return changes.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}
