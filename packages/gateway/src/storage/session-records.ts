// People and their sessions. An ended session stays, so that nothing can bring it back; the sweep
// takes it a month after it would have expired.
import type { Database, SessionRow } from "./schema.ts";
import type { Store, StoredSession } from "./store.ts";

type SessionRecords = Pick<
  Store,
  "userFor" | "addSession" | "session" | "sessionsOf" | "revokeSession" | "revokeUserSessions"
>;

export function sessionRecords(ready: Promise<Database>): SessionRecords {
  return {
    async userFor(email, now, newId) {
      const db = await ready;
      const read = () => db.selectFrom("users").selectAll().where("email", "=", email);
      const standing = await read().executeTakeFirst();
      if (standing !== undefined) return standing;
      await db
        .insertInto("users")
        .values({ id: newId, email, created_at: now })
        .onConflict((conflict) => conflict.column("email").doNothing())
        .execute();
      // Nothing ever removes a user: this one is ours, or that of whoever came first.
      return read().executeTakeFirstOrThrow();
    },

    async addSession(session) {
      const db = await ready;
      await db
        .insertInto("sessions")
        .values({ ...session, identity: JSON.stringify(session.identity) })
        .execute();
    },
    async session(id) {
      const db = await ready;
      const row = await db
        .selectFrom("sessions")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst();
      return row === undefined ? undefined : fromRow(row);
    },
    async sessionsOf(userId, now) {
      const db = await ready;
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
    async revokeSession(id, now) {
      const db = await ready;
      const ended = await db
        .updateTable("sessions")
        .set({ revoked_at: now })
        .where((where) => where.or([where("id", "=", id), where("parent_id", "=", id)]))
        .where("revoked_at", "is", null)
        .returning("id")
        .execute();
      return ended.map((each) => each.id);
    },
    async revokeUserSessions(userId, now) {
      const db = await ready;
      const ended = await db
        .updateTable("sessions")
        .set({ revoked_at: now })
        .where("user_id", "=", userId)
        .where("revoked_at", "is", null)
        .returning("id")
        .execute();
      return ended.map((each) => each.id);
    },
  };
}

function fromRow(row: SessionRow): StoredSession {
  return { ...row, identity: JSON.parse(row.identity) };
}
