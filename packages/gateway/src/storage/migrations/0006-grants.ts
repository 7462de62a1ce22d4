// Grants, and how often a credential with a count may still be used. Both end with a session.
import type { CreateTableBuilder } from "kysely";
import type { Migration } from "kysely/migration";

export const grants: Migration = {
  async up(db) {
    await withSession(db.schema.createTable("grants"))
      .addColumn("user_id", "text", (column) => column.notNull().references("users.id"))
      .addColumn("aud", "text", (column) => column.notNull())
      .addColumn("htu", "text", (column) => column.notNull())
      .addColumn("scope", "text", (column) => column.notNull())
      .addColumn("label", "text")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();
    await withSession(db.schema.createTable("use_counts"))
      .addColumn("uses_left", "integer", (column) => column.notNull())
      .execute();
    for (const [table, column] of indexes)
      await db.schema.createIndex(`${table}_${column}`).on(table).column(column).execute();
  },
};

const indexes = [
  ["grants", "user_id"],
  ["grants", "session_id"],
  ["grants", "expires_at"],
  ["use_counts", "session_id"],
  ["use_counts", "expires_at"],
] as const;

function withSession(table: CreateTableBuilder<string>): CreateTableBuilder<string, string> {
  return table
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("session_id", "text", (column) =>
      column.notNull().references("sessions.id").onDelete("cascade"),
    )
    .addColumn("expires_at", "bigint", (column) => column.notNull());
}
