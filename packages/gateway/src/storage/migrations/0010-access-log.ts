// The access log. Ids sort as time does, so that the primary key is the order of every list, and
// each filter that leaves few rows has an index that ends in it.
import type { Migration } from "kysely/migration";

export const accessLog: Migration = {
  async up(db) {
    let table = db.schema
      .createTable("access_log")
      .addColumn("id", "text", (column) => column.primaryKey());
    for (const name of required)
      table = table.addColumn(name, "text", (column) => column.notNull());
    for (const name of optional) table = table.addColumn(name, "text");
    for (const name of flags)
      table = table.addColumn(name, "integer", (column) => column.notNull());
    await table
      .addColumn("status", "integer")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();
    for (const column of filters)
      await db.schema
        .createIndex(`access_log_${column}`)
        .on("access_log")
        .columns([column, "id"])
        .execute();
  },
};

const required = ["action", "outcome", "ray_id", "ip_address"] as const;

const optional = [
  "reason",
  "country",
  "user_email",
  "user_uid",
  "app_uid",
  "app_name",
  "app_domain",
  "app_type",
  "idp",
  "connection",
  "service_token_id",
  "policy_id",
  "policy_name",
  "rule",
  "method",
  "host",
  "path",
  "user_agent",
  "facts",
] as const;

/** 0 or 1 */
const flags = ["allowed", "has_existing_jwt", "non_identity"] as const;

const filters = [
  "action",
  "allowed",
  "app_type",
  "app_uid",
  "country",
  "idp",
  "non_identity",
  "ray_id",
  "user_email",
] as const;
