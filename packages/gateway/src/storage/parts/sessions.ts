// A session that was ended stays in the table, so that nothing can bring it back. The sweep removes
// it a month after it would have expired.
import type { Database, SessionRow } from "../schema.ts";
import type { SessionStore, StoredSession } from "../store.ts";

export function createSessions(db: Database): SessionStore {
  return {
    async add(session) {
      const row: SessionRow = { ...session, identity: JSON.stringify(session.identity) };
      await db.insertInto("sessions").values(row).execute();
    },

    async find(id) {
      const row = await db
        .selectFrom("sessions")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst();
      return row && fromRow(row);
    },

    async ofUser(userId, now) {
      const rows = await db
        .selectFrom("sessions")
        .selectAll()
        .where("user_id", "=", userId)
        .where("revoked_at", "is", null)
        .where("expires_at", ">", now)
        .orderBy("created_at")
        .orderBy("id")
        .execute();
      return rows.map(fromRow);
    },

    async revoke(id, now) {
      const rows = await endSessions(db, now)
        .where((where) => where.or([where("id", "=", id), where("parent_id", "=", id)]))
        .returning("id")
        .execute();
      return rows.map((row) => row.id);
    },

    async revokeAllOf(userId, now) {
      const rows = await endSessions(db, now)
        .where("user_id", "=", userId)
        .returning("id")
        .execute();
      return rows.map((row) => row.id);
    },
  };
}

/** The update that ends sessions, of those that have not been ended before. */
function endSessions(db: Database, now: number) {
  return db.updateTable("sessions").set({ revoked_at: now }).where("revoked_at", "is", null);
}

function fromRow(row: SessionRow): StoredSession {
  return { ...row, identity: JSON.parse(row.identity) };
}
