// Each step is one statement that decides and writes at once: a mailbox is delivered to one of
// those who ask together.
import type { Database } from "../schema.ts";
import type { TransferStore } from "../store.ts";

export function createTransfers(db: Database): TransferStore {
  return {
    open: (transfer) =>
      // The update changes nothing. It makes the existing row come back from the same statement.
      db
        .insertInto("transfers")
        .values(transfer)
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ id: transfer.id }))
        .returningAll()
        .executeTakeFirstOrThrow(),

    find: (id) => db.selectFrom("transfers").selectAll().where("id", "=", id).executeTakeFirst(),

    async countOf(address, now) {
      const { count } = await db
        .selectFrom("transfers")
        .select((row) => row.fn.countAll<number>().as("count"))
        .where("address", "=", address)
        .where("expires_at", ">", now)
        .executeTakeFirstOrThrow();
      return count;
    },

    async hold(id, until) {
      await db.updateTable("transfers").set({ held_until: until }).where("id", "=", id).execute();
    },

    async move(id, { from, to, now, sealed }) {
      const { numUpdatedRows } = await db
        .updateTable("transfers")
        .set({
          state: to,
          body: sealed?.body ?? null,
          service_public_key: sealed?.service_public_key ?? null,
        })
        .where("id", "=", id)
        .where("state", "=", from)
        // The mailbox may have expired since the caller looked (case T9).
        .where("expires_at", ">", now)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
  };
}
