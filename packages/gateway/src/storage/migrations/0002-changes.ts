// What one process changed and others must learn, in order. `autoincrement`: no id is ever used
// again, so a reader knows from a gap that entries were swept before it came.
import type { Migration } from "kysely/migration";

export const changes: Migration = {
  async up(db) {
    await db.schema
      .createTable("changes")
      .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
      .addColumn("origin", "text", (column) => column.notNull())
      .addColumn("what", "text", (column) => column.notNull())
      .addColumn("kind", "text")
      .addColumn("ref", "text")
      .execute();
  },
};
