// What was denied is what administrators look for, and few of all rows: one index has these alone,
// with every field that a list is filtered by, so that a search among them reads no other row. Rows
// that were allowed stand in one index fewer.
import { sql } from "kysely";
import type { Migration } from "kysely/migration";

export const deniedAccess: Migration = {
  async up(db) {
    await db.schema.dropIndex("access_log_allowed").execute();
    await db.schema
      .createIndex("access_log_denied")
      .on("access_log")
      .columns(["id", ...filters])
      .where(sql.ref("allowed"), "=", sql.lit(0))
      .execute();
  },
};

const filters = [
  "action",
  "app_type",
  "app_uid",
  "country",
  "idp",
  "non_identity",
  "ray_id",
  "user_email",
] as const;
