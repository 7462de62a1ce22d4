// What is known of people beside their sessions, when the tokens of an application were revoked,
// and when service tokens were last used.
import type { Migration } from "kysely/migration";

export const peopleAndRevocation: Migration = {
  async up(db) {
    await db.schema.alterTable("users").addColumn("name", "text").execute();
    await db.schema.alterTable("users").addColumn("updated_at", "bigint").execute();
    await db.schema.alterTable("users").addColumn("last_successful_login", "bigint").execute();
    await db.schema.alterTable("users").addColumn("last_identity", "text").execute();
    await db.schema
      .createTable("application_generations")
      .addColumn("aud", "text", (column) => column.primaryKey())
      .addColumn("generation", "text", (column) => column.notNull())
      .addColumn("revoked_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("service_token_uses")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("last_used_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("sessions_created_at")
      .on("sessions")
      .columns(["created_at", "id"])
      .execute();
  },
};
