// A session that was ended stays in the table, so that nothing can bring it back. The sweep removes
// it a month after it would have expired.
import type { Identity } from "../../model/model.ts";
import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database, SessionRow } from "../schema.ts";
import type { SessionStore, StoredSession } from "../store.ts";

export function createSessions(db: Database, changes: ChangeWriter): SessionStore {
  /** Ends those of the live sessions that `choose` leaves. @returns their ids */
  function end(now: number, choose: (live: Ending) => Ending): Promise<string[]> {
    return inTransaction(db, async (transaction) => {
      const rows = await choose(endLiveSessions(transaction, now)).returning("id").execute();
      const ids = rows.map(({ id }) => id);
      await changes.write(
        transaction,
        ids.map((id) => ({ what: "session", id })),
      );
      return ids;
    });
  }

  return {
    add: (session) =>
      inTransaction(db, async (transaction) => {
        const row: SessionRow = { ...session, identity: JSON.stringify(session.identity) };
        await transaction.insertInto("sessions").values(row).execute();
        if (session.kind === "browser") await noteLogin(transaction, row, session.identity);
      }),

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

    async list(now, { limit, offset }) {
      const live = db
        .selectFrom("sessions")
        .where("revoked_at", "is", null)
        .where("expires_at", ">", now);
      const { total } = await live
        .select((row) => row.fn.countAll<number>().as("total"))
        .executeTakeFirstOrThrow();
      const rows = await live
        .selectAll()
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit)
        .offset(offset)
        .execute();
      return { items: rows.map(fromRow), total: Number(total) };
    },

    revoke: (id, now) =>
      end(now, (live) =>
        live.where((where) => where.or([where("id", "=", id), where("parent_id", "=", id)])),
      ),

    revokeAllOf: (userId, now) => end(now, (live) => live.where("user_id", "=", userId)),

    revokeLaterThan: (latest, now) => end(now, (live) => live.where("created_at", ">", latest)),
  };
}

type Ending = ReturnType<typeof endLiveSessions>;

/** The update that ends sessions, of those that have not been ended before. */
function endLiveSessions(db: Database, now: number) {
  return db.updateTable("sessions").set({ revoked_at: now }).where("revoked_at", "is", null);
}

/** A login says anew who the user is. */
async function noteLogin(db: Database, row: SessionRow, { name }: Identity): Promise<void> {
  await db
    .updateTable("users")
    .set({ name, last_successful_login: row.created_at, last_identity: row.identity })
    .where("id", "=", row.user_id)
    .execute();
}

/** @throws {Error} naming the session */
function fromRow(row: SessionRow): StoredSession {
  try {
    const identity: Identity = JSON.parse(row.identity);
    if (typeof identity?.email !== "string") throw new Error("it has no email");
    return { ...row, identity };
  } catch (cause) {
    throw new Error(
      `the identity of the stored session ${row.id} cannot be read; delete that session, or restore it from a backup`,
      { cause },
    );
  }
}
