// What signs the SSH certificates of an application. Its AUD is the key: there is never a second.
import type { Migration } from "kysely/migration";

export const sshAuthorities: Migration = {
  async up(db) {
    await db.schema
      .createTable("ssh_authorities")
      .addColumn("aud", "text", (column) => column.primaryKey())
      .addColumn("sealed_private_key", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();
  },
};
