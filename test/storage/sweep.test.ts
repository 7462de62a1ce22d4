// The sweep of a large store: everything that has expired goes, and nobody waits for all of it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "../../packages/gateway/src/storage/store.ts";
import {
  backends,
  handover,
  minute,
  pin,
  policyTest,
  session,
  time,
  transfer,
  withPeople,
} from "./backends.ts";

const month = 30 * 24 * 60 * minute;
/** More than one step removes. */
const many = 230;

/** For each table that is swept, how a row gets there and whether it still is. */
const tables: Record<
  string,
  {
    add(store: Store, id: string): Promise<unknown>;
    has(store: Store, id: string): Promise<boolean>;
  }
> = {
  counts: {
    add: (store, id) => store.counters.count(id, minute, time),
    // A window that is still counted goes on.
    has: async (store, id) => (await store.counters.count(id, minute, time)) > 1,
  },
  handovers: {
    add: (store, id) => store.handovers.add(handover(id)),
    has: async (store, id) => (await store.handovers.take(id)) !== undefined,
  },
  pins: {
    add: (store, id) => store.pins.add(pin(id)),
    has: (store, id) => store.pins.take(id),
  },
  transfers: {
    add: (store, id) => store.transfers.open(transfer(id)),
    has: async (store, id) => (await store.transfers.find(id)) !== undefined,
  },
  policy_tests: {
    add: (store, id) => store.policyTests.add(policyTest(id)),
    has: async (store, id) => (await store.policyTests.find(id)) !== undefined,
  },
  sessions: {
    add: (store, id) => store.sessions.add(session(id, "ada")),
    has: async (store, id) => (await store.sessions.find(id)) !== undefined,
  },
};

for (const { name, make } of backends)
  describe(name, () => {
    for (const [table, { add, has }] of Object.entries(tables))
      test(`a sweep removes all of many ${table} that have expired`, async (context) => {
        const store = await withPeople(await make(context)());
        const ids = Array.from({ length: many }, (_, index) => `id${index}`);
        await Promise.all(ids.map((id) => add(store, id)));
        await store.sweep(time);
        assert.equal(await has(store, "id0"), true, "nothing had expired");
        await store.sweep(time + 2 * month);
        for (const id of ["id1", "id199", "id200", "id229"])
          assert.equal(await has(store, id), false, id);
      });

    test("who asks while a large store is swept is answered before the sweep ends", async (context) => {
      const store = await make(context)();
      const keys = Array.from({ length: 4 * many }, (_, index) => `key${index}`);
      // The thread that reads is up before the sweep begins.
      await store.sessions.find("nobody");
      // Whoever asks may come too late on a busy machine; one time in which both did not is enough.
      const orders: string[][] = [];
      while (orders.length < 50 && orders.at(-1)?.at(-1) !== "sweep") {
        await Promise.all(keys.map((key) => store.counters.count(key, minute, time)));
        const order: string[] = [];
        orders.push(order);
        await Promise.all([
          store.sweep(time + month).then(() => order.push("sweep")),
          store.counters.count("beside", minute, time + month).then(() => order.push("count")),
          store.sessions.find("nobody").then(() => order.push("find")),
        ]);
      }
      assert.equal(orders.at(-1)?.at(-1), "sweep", orders.join("; "));
    });
  });
