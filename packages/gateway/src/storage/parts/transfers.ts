// Each step is one statement that decides and writes at once: a mailbox is delivered to one of
// those who ask together.
import { defined } from "../../defined.ts";
import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database } from "../schema.ts";
import type { TransferStore } from "../store.ts";

export function createTransfers(db: Database, changes: ChangeWriter): TransferStore {
  return {
    open: (transfer) =>
      // The update changes nothing. It makes the existing row come back from the same statement.
      db
        .insertInto("transfers")
        .values(transfer)
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ id: transfer.id }))
        .returningAll()
        .executeTakeFirstOrThrow(),

    add: async (transfer) => {
      const { numInsertedOrUpdatedRows = 0n } = await db
        .insertInto("transfers")
        .values(transfer)
        .onConflict((conflict) => conflict.column("id").doNothing())
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows > 0n;
    },

    find: (id) => db.selectFrom("transfers").selectAll().where("id", "=", id).executeTakeFirst(),

    hold: (id, until) =>
      inTransaction(db, async (transaction) => {
        await transaction
          .updateTable("transfers")
          .set({ held_until: until })
          .where("id", "=", id)
          .execute();
        // Another process may be waiting for a poll to be held.
        await changes.write(transaction, [{ what: "transfer", id }]);
      }),

    release: (id, until) =>
      inTransaction(db, async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("transfers")
          .set({ held_until: 0 })
          .where("id", "=", id)
          .where("held_until", "=", until)
          .executeTakeFirstOrThrow();
        // Another process may hold a poll of it, and have relied on this one to say so.
        if (numUpdatedRows > 0n) await changes.write(transaction, [{ what: "transfer", id }]);
      }),

    note: (id, { from, to }) =>
      inTransaction(db, async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("transfers")
          .set({ progress: to })
          .where("id", "=", id)
          .where("state", "=", "waiting")
          .where("progress", "is not distinct from", from)
          .executeTakeFirstOrThrow();
        // The terminal may be polling another process.
        if (numUpdatedRows > 0n) await changes.write(transaction, [{ what: "transfer", id }]);
      }),

    move: (id, { from, to, now, sealed }) =>
      inTransaction(db, async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("transfers")
          .set({
            state: to,
            body: sealed?.body ?? null,
            service_public_key: sealed?.service_public_key ?? null,
            ...defined({ session_id: sealed?.session_id }),
          })
          .where("id", "=", id)
          .where("state", "=", from)
          // The mailbox may have expired since the caller looked (case T9).
          .where("expires_at", ">", now)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await changes.write(transaction, [{ what: "transfer", id }]);
        return true;
      }),
  };
}
