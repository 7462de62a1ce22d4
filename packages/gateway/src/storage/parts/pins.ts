// Each step is one statement that decides and writes at once: of two tries that come together, each
// is counted, and one takes the PIN.
import type { Database } from "../schema.ts";
import type { PinStore } from "../store.ts";

export function createPins(db: Database): PinStore {
  return {
    async add(pin) {
      await db.insertInto("pins").values(pin).execute();
    },

    try: (id) =>
      db
        .updateTable("pins")
        .set((row) => ({ tries: row("tries", "+", 1) }))
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst(),

    async take(id) {
      const rows = await db.deleteFrom("pins").where("id", "=", id).returning("id").execute();
      return rows.length === 1;
    },
  };
}
