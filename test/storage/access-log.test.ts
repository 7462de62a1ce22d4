// The access log, the same in every store: what was written comes back, in order, narrowed as was
// asked, and goes when its retention is over.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  AccessFilter,
  AccessLogQuery,
  StoredAccessEvent,
} from "../../packages/gateway/src/storage/access-log.ts";
import type { Store } from "../../packages/gateway/src/storage/store.ts";
import { accessEvent } from "./access-event.ts";
import { backends, minute, skipOf, time } from "./backends.ts";

const newestFirst: AccessLogQuery = { direction: "desc", filters: [], limit: 25 };

/** So many rows, a minute apart, the first one the oldest. */
function series(count: number, more: Partial<StoredAccessEvent> = {}): StoredAccessEvent[] {
  return Array.from({ length: count }, (_, index) =>
    accessEvent({
      created_at: time + index * minute,
      ray_id: index.toString(16).padStart(16, "0"),
      ...more,
    }),
  );
}

async function idsOf(store: Store, query: Partial<AccessLogQuery>): Promise<string[]> {
  const rows = await store.accessLog.list({ ...newestFirst, ...query });
  return rows.map(({ id }) => id);
}

async function raysWhere(store: Store, ...filters: AccessFilter[]): Promise<string[]> {
  const rows = await store.accessLog.list({ ...newestFirst, direction: "asc", filters });
  return rows.map(({ ray_id }) => ray_id);
}

for (const backend of backends)
  describe(backend.name, skipOf(backend), () => {
    const { make } = backend;

    test("decisions come back in the order of time, page by page, each once", async (context) => {
      const store = await make(context)();
      const rows = series(7, { facts: "{}" });
      await store.accessLog.add(rows);
      const since = time + minute;
      const first = await store.accessLog.decisions({ since, limit: 4 });
      const after = first.at(-1)?.id ?? "";
      const second = await store.accessLog.decisions({ since, limit: 4, after });
      assert.deepEqual(
        [...first, ...second].map(({ id, created_at, facts }) => [id, created_at, facts]),
        rows.slice(1).map(({ id, created_at }) => [id, created_at, "{}"]),
      );
    });

    test("a row of the access log comes back as it was written", async (context) => {
      const store = await make(context)();
      const full = accessEvent({
        action: "request",
        allowed: false,
        outcome: "denied",
        reason: "no_policy_matched",
        country: "CH",
        has_existing_jwt: true,
        non_identity: true,
        service_token_id: "t",
        method: "GET",
        host: "orders.example.com:8443",
        path: "/v1/Ünïcode",
        status: 403,
        facts: '{"method":"GET"}',
      });
      await store.accessLog.add([full]);
      assert.deepEqual(await store.accessLog.list(newestFirst), [full]);
    });

    test("many rows are written at once, and a batch that is written twice is there once", async (context) => {
      const store = await make(context)();
      const rows = series(250);
      await store.accessLog.add([]);
      await store.accessLog.add(rows);
      await store.accessLog.add(rows.slice(100));
      assert.deepEqual(await idsOf(store, { limit: 1_000 }), rows.map(({ id }) => id).toReversed());
    });

    test("the log is read page by page, in both directions, until it ends", async (context) => {
      const store = await make(context)();
      const rows = series(7);
      const ids = rows.map(({ id }) => id);
      await store.accessLog.add(rows.toReversed());
      assert.deepEqual(await idsOf(store, { limit: 3 }), ids.slice(4).toReversed());
      assert.deepEqual(await idsOf(store, { limit: 3, offset: 3 }), ids.slice(1, 4).toReversed());
      assert.deepEqual(await idsOf(store, { limit: 3, offset: 7 }), []);
      assert.deepEqual(await idsOf(store, { limit: 3, direction: "asc" }), ids.slice(0, 3));
      const [, , third = ""] = ids;
      const after = { after: third, limit: 3 };
      assert.deepEqual(await idsOf(store, { ...after, direction: "asc" }), ids.slice(3, 6));
      assert.deepEqual(await idsOf(store, after), ids.slice(0, 2).toReversed());
    });

    test("a time since, and one until, bound the list", async (context) => {
      const store = await make(context)();
      const rows = series(5);
      await store.accessLog.add(rows);
      const between = { since: time + minute, until: time + 3 * minute };
      const ids = [rows[2], rows[1]].map((row) => row?.id);
      assert.deepEqual(await idsOf(store, between), ids);
    });

    test("rows that differ in a field are told apart by it, also where the field is empty", async (context) => {
      const store = await make(context)();
      const differences: [AccessFilter["field"], Partial<StoredAccessEvent>, string | boolean][] = [
        ["action", { action: "logout" }, "logout"],
        ["allowed", { allowed: false }, false],
        ["app_type", { app_type: "ssh" }, "ssh"],
        ["app_uid", { app_uid: "wiki" }, "wiki"],
        ["country", { country: "CH" }, "CH"],
        ["idp", { idp: "pin" }, "pin"],
        ["non_identity", { non_identity: true }, true],
        ["user_email", { user_email: "bob@example.com" }, "bob@example.com"],
      ];
      const usual = accessEvent({ ray_id: "f".repeat(16) });
      const rows = differences.map(([, more], index) =>
        accessEvent({ ray_id: index.toString(16).padStart(16, "0"), ...more }),
      );
      await store.accessLog.add([usual, ...rows]);
      const everybody = [...rows, usual].map(({ ray_id }) => ray_id);
      for (const [index, [field, , value]] of differences.entries()) {
        const own = rows[index]?.ray_id ?? "";
        const others = everybody.filter((ray) => ray !== own);
        assert.deepEqual(await raysWhere(store, { field, operator: "eq", value }), [own], field);
        assert.deepEqual(await raysWhere(store, { field, operator: "neq", value }), others, field);
      }
      const byRay: AccessFilter = { field: "ray_id", operator: "eq", value: usual.ray_id };
      assert.deepEqual(await raysWhere(store, byRay), [usual.ray_id]);
    });

    test("an address is found by a part of it, whatever its case, and no character is a pattern", async (context) => {
      const store = await make(context)();
      const emails = [
        "ada@example.com",
        "Ada.B@example.com",
        "a_b%c@example.com",
        "a\\b@example.com",
      ];
      const rows = emails.map((user_email, index) =>
        accessEvent({ user_email, ray_id: index.toString(16).padStart(16, "0") }),
      );
      await store.accessLog.add([...rows, accessEvent({ user_email: null })]);
      const parts: Record<string, number[]> = {
        ADA: [0, 1],
        "ada.b@": [1],
        _: [2],
        "%": [2],
        "b%c": [2],
        "\\": [3],
        "example.com": [0, 1, 2, 3],
        "'; drop table access_log": [],
      };
      for (const [value, indexes] of Object.entries(parts)) {
        const rays = indexes.map((index) => rows[index]?.ray_id);
        const filter: AccessFilter = { field: "user_email", operator: "contains", value };
        assert.deepEqual(await raysWhere(store, filter), rays, value);
      }
    });

    test("rows go when their retention is over, a few at a time, requests by their own", async (context) => {
      const store = await make(context)();
      const logins = series(3);
      const requests = series(1_200, { action: "request", created_at: time });
      await store.accessLog.add([...logins, ...requests]);
      const end = { signInsBefore: time + minute, requestsBefore: time + 1, auditBefore: 0 };
      await store.sweep(time, end);
      const left = logins.slice(1).map(({ id }) => id);
      assert.deepEqual(await idsOf(store, {}), left.toReversed());
    });
  });
