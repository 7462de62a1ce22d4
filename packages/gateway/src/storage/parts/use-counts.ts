// How often a credential may still be used. One statement looks and takes: of twenty who ask for
// the last use at once, one gets it, whichever process they ask.
import type { Database } from "../schema.ts";
import type { UseCountStore } from "../store.ts";

export function createUseCounts(db: Database): UseCountStore {
  return {
    async add(count) {
      await db.insertInto("use_counts").values(count).execute();
    },

    async take(id, now) {
      const { numUpdatedRows } = await db
        .updateTable("use_counts")
        .set((row) => ({ uses_left: row("uses_left", "-", 1) }))
        .where("id", "=", id)
        .where("uses_left", ">", 0)
        .where("expires_at", ">", now)
        .where(({ exists, selectFrom }) =>
          exists(
            selectFrom("sessions")
              .select("sessions.id")
              .whereRef("sessions.id", "=", "use_counts.session_id")
              .where("sessions.revoked_at", "is", null),
          ),
        )
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },
  };
}
