// Policies that are tried on everybody who is known: what is tried, and what has come of it so far.
import type { Migration } from "kysely/migration";

export const policyTests: Migration = {
  async up(db) {
    await db.schema
      .createTable("policy_tests")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("policies", "text", (column) => column.notNull())
      .addColumn("total", "bigint", (column) => column.notNull())
      .addColumn("approved", "bigint", (column) => column.notNull())
      .addColumn("blocked", "bigint", (column) => column.notNull())
      .addColumn("errored", "bigint", (column) => column.notNull())
      .addColumn("completed_at", "bigint")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("policy_tests_expires_at")
      .on("policy_tests")
      .column("expires_at")
      .execute();
  },
};
