// What a sign-in leaves behind for minutes: hand-overs, PINs, counts, mailboxes. Each step is one
// statement that decides and writes at once, so that of two that come together one is first.
import type { Clock } from "../clock.ts";
import type { Database } from "./schema.ts";
import type { Store } from "./store.ts";

type HandoverRecords = Pick<Store, "addHandover" | "takeHandover">;
type PinRecords = Pick<Store, "addPin" | "tryPin" | "takePin">;
type CountRecords = Pick<Store, "count" | "clearCount">;
type TransferRecords = Pick<
  Store,
  "openTransfer" | "transfer" | "transfersOf" | "holdTransfer" | "moveTransfer"
>;

export function signInRecords(
  ready: Promise<Database>,
  now: Clock,
): HandoverRecords & PinRecords & CountRecords & TransferRecords {
  return {
    ...handoverRecords(ready),
    ...pinRecords(ready),
    ...countRecords(ready),
    ...transferRecords(ready, now),
  };
}

function handoverRecords(ready: Promise<Database>): HandoverRecords {
  return {
    async addHandover(handover) {
      const db = await ready;
      await db.insertInto("handovers").values(handover).execute();
    },
    async takeHandover(id) {
      const db = await ready;
      return db.deleteFrom("handovers").where("id", "=", id).returningAll().executeTakeFirst();
    },
  };
}

function pinRecords(ready: Promise<Database>): PinRecords {
  return {
    async addPin(pin) {
      const db = await ready;
      await db.insertInto("pins").values(pin).execute();
    },
    async tryPin(id) {
      const db = await ready;
      return db
        .updateTable("pins")
        .set((row) => ({ tries: row("tries", "+", 1) }))
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
    },
    async takePin(id) {
      const db = await ready;
      return (
        (await db.deleteFrom("pins").where("id", "=", id).returning("id").execute()).length === 1
      );
    },
  };
}

function countRecords(ready: Promise<Database>): CountRecords {
  return {
    async count(key, windowMs, now) {
      const db = await ready;
      const { count } = await db
        .insertInto("counts")
        .values({ key, count: 1, expires_at: now + windowMs })
        .onConflict((conflict) =>
          conflict.column("key").doUpdateSet((row) => {
            const over = row("counts.expires_at", "<=", now);
            return {
              count: row
                .case()
                .when(over)
                .then(1)
                .else(row("counts.count", "+", 1))
                .end(),
              expires_at: row
                .case()
                .when(over)
                .then(row.ref("excluded.expires_at"))
                .else(row.ref("counts.expires_at"))
                .end(),
            };
          }),
        )
        .returning("count")
        .executeTakeFirstOrThrow();
      return count;
    },
    async clearCount(key) {
      const db = await ready;
      await db.deleteFrom("counts").where("key", "=", key).execute();
    },
  };
}

function transferRecords(ready: Promise<Database>, now: Clock): TransferRecords {
  return {
    async openTransfer(transfer) {
      const db = await ready;
      // The update changes nothing: it makes the row that stands come back from the same statement.
      return db
        .insertInto("transfers")
        .values(transfer)
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ id: transfer.id }))
        .returningAll()
        .executeTakeFirstOrThrow();
    },
    async transfer(id) {
      const db = await ready;
      return db.selectFrom("transfers").selectAll().where("id", "=", id).executeTakeFirst();
    },
    async transfersOf(address, at) {
      const db = await ready;
      const { opened } = await db
        .selectFrom("transfers")
        .select((row) => row.fn.countAll<number>().as("opened"))
        .where("address", "=", address)
        .where("expires_at", ">", at)
        .executeTakeFirstOrThrow();
      return opened;
    },
    async holdTransfer(id, until) {
      const db = await ready;
      await db.updateTable("transfers").set({ held_until: until }).where("id", "=", id).execute();
    },
    async moveTransfer(id, from, to, sealed) {
      const db = await ready;
      const { numUpdatedRows } = await db
        .updateTable("transfers")
        .set({
          state: to,
          body: sealed?.body ?? null,
          service_public_key: sealed?.service_public_key ?? null,
        })
        .where("id", "=", id)
        .where("state", "=", from)
        // Nothing is put into or taken from a mailbox whose time has run out since the caller
        // looked (case T9).
        .where("expires_at", ">", now())
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
  };
}
