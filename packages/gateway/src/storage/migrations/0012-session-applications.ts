// Which applications a session was used for, with what lists of sessions are ordered and counted
// by: a page costs no row that is not on it. Sessions that were ended are in no such index.
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const sessionApplications: Migration = {
  async up(db) {
    await db.schema
      .createTable("session_applications")
      .addColumn("session_id", "text", (column) =>
        column.notNull().references("sessions.id").onDelete("cascade"),
      )
      .addColumn("aud", "text", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("session_applications_key", ["session_id", "aud"])
      .execute();
    await index(db, "session_applications", ["aud", "expires_at", "kind"]);
    await index(db, "session_applications", ["aud", "created_at", "session_id", "expires_at"]);
    await db.schema.dropIndex("sessions_created_at").execute();
    await indexOfLive(db, ["expires_at", "kind"]);
    await indexOfLive(db, ["created_at", "id", "expires_at", "kind"]);
  },
};

async function index(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  const name = `${table}_${columns.slice(0, 2).join("_")}`;
  await db.schema.createIndex(name).on(table).columns(columns).execute();
}

async function indexOfLive(db: Kysely<unknown>, columns: string[]): Promise<void> {
  await db.schema
    .createIndex(`sessions_live_${columns[0]}`)
    .on("sessions")
    // SQLite looks into the row for what is not here, be it the condition of the index itself.
    .columns([...columns, "revoked_at"])
    .where(sql.ref("revoked_at"), "is", null)
    .execute();
}
