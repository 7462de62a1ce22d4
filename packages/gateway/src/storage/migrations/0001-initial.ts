// The first tables. Times are milliseconds in `bigint`: PostgreSQL's `integer` ends in 1970, and
// SQLite takes both names for the same. What is swept has an index on its end.
import type { CreateTableBuilder, Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const initial: Migration = {
  async up(db) {
    await configuration(db);
    await people(db);
    await signIns(db);
  },
};

async function configuration(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("settings")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
  await texts(db.schema.createTable("objects"), ["kind", "id", "name", "managed_by", "body"])
    .addColumn("aud", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("objects_key", ["kind", "id"])
    .execute();
  await texts(db.schema.createTable("signing_keys"), [
    "state",
    "public_jwk",
    "certificate",
    "sealed_private_key",
  ])
    .addColumn("kid", "text", (column) => column.primaryKey())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("activated_at", "bigint")
    .addColumn("retired_at", "bigint")
    .execute();
}

async function people(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("users")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("email", "text", (column) => column.notNull().unique())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await texts(db.schema.createTable("sessions"), ["kind", "identity", "user_agent"])
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("user_id", "text", (column) => column.notNull().references("users.id"))
    .addColumn("parent_id", "text", (column) =>
      column.references("sessions.id").onDelete("cascade"),
    )
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addColumn("revoked_at", "bigint")
    .execute();
  for (const column of ["user_id", "parent_id", "expires_at"]) await index(db, "sessions", column);
}

async function signIns(db: Kysely<unknown>): Promise<void> {
  await texts(db.schema.createTable("handovers"), [
    "aud",
    "session_id",
    "app_session_hash",
    "state_hash",
  ])
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await texts(db.schema.createTable("pins"), ["email", "aud", "idp_id", "pin_hash", "browser_hash"])
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("tries", "integer", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("counts")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("count", "integer", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await texts(db.schema.createTable("transfers"), ["address", "user_agent", "state"])
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addColumn("held_until", "bigint", (column) => column.notNull())
    .addColumn("body", "text")
    .addColumn("service_public_key", "text")
    .execute();
  for (const table of ["handovers", "pins", "counts", "transfers"])
    await index(db, table, "expires_at");
  await index(db, "transfers", "address");
}

function texts<Table extends string>(
  table: CreateTableBuilder<Table>,
  names: readonly string[],
): CreateTableBuilder<Table, string> {
  return names.reduce<CreateTableBuilder<Table, string>>(
    (builder, name) => builder.addColumn(name, "text", (column) => column.notNull()),
    table,
  );
}

async function index(db: Kysely<unknown>, table: string, column: string): Promise<void> {
  await db.schema.createIndex(`${table}_${column}`).on(table).column(column).execute();
}
