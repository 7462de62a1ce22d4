// What administrators changed. Without references: an entry outlives the token and the object that
// it tells of.
import type { Migration } from "kysely/migration";

export const audit: Migration = {
  async up(db) {
    await db.schema
      .createTable("audit")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("token_id", "text", (column) => column.notNull())
      .addColumn("token_name", "text", (column) => column.notNull())
      .addColumn("ip", "text", (column) => column.notNull())
      .addColumn("ray", "text", (column) => column.notNull())
      .addColumn("action", "text", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("ref", "text", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("before", "text")
      .addColumn("after", "text")
      .execute();
    await db.schema.createIndex("audit_created_at").on("audit").column("created_at").execute();
  },
};
