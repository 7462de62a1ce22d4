// The tokens of those who administer, hashed, and what each of them may do.
import type { Migration } from "kysely/migration";

export const adminTokens: Migration = {
  async up(db) {
    await db.schema
      .createTable("admin_tokens")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("hash", "text", (column) => column.notNull().unique())
      .addColumn("permissions", "text", (column) => column.notNull())
      .addColumn("applications", "text")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint")
      .execute();
  },
};
