// A session that was ended stays in the table, so that nothing can bring it back. The sweep removes
// it a month after it would have expired.
import type { Identity } from "../../model/model.ts";
import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database, SessionRow } from "../schema.ts";
import type { SessionStore, StoredSession } from "../store.ts";
import { forgetUses, noteUse } from "./session-applications.ts";
import { pageOfSessionIds } from "./session-lists.ts";

export function createSessions(db: Database, changes: ChangeWriter): SessionStore {
  /** Ends those of the live sessions that `choose` leaves. @returns their ids */
  function end(now: number, choose: (live: Ending) => Ending): Promise<string[]> {
    return inTransaction(db, async (transaction) => {
      const rows = await choose(endLiveSessions(transaction, now)).returning("id").execute();
      const ids = rows.map(({ id }) => id);
      await forgetUses(transaction, ids);
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

    async list(now, query) {
      const { items: ids, total } = await pageOfSessionIds(db, now, query);
      if (ids.length === 0) return { items: [], total };
      const rows = await db
        .selectFrom("sessions")
        .selectAll()
        .where("id", "in", ids)
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .execute();
      return { items: rows.map(fromRow), total };
    },

    async withPrefix(prefix) {
      const rows = await db
        .selectFrom("sessions")
        .selectAll()
        .where("id", ">=", prefix)
        .where("id", "<", `${prefix}${afterHex}`)
        .orderBy("id")
        .limit(mostWithPrefix)
        .execute();
      return rows.map(fromRow);
    },

    noteApplication: (session) => noteUse(db, session),

    async applicationsOf(ids) {
      if (ids.length === 0) return [];
      return db
        .selectFrom("session_applications")
        .select(["session_id", "aud"])
        .where("session_id", "in", ids)
        .execute();
    },

    revoke: (id, now) =>
      end(now, (live) =>
        live.where((where) => where.or([where("id", "=", id), where("parent_id", "=", id)])),
      ),

    revokeAllOf: (userId, now) => end(now, (live) => live.where("user_id", "=", userId)),

    revokeLaterThan: (latest, now) => end(now, (live) => live.where("created_at", ">", latest)),
  };
}

/** No hexadecimal digit sorts after it. */
const afterHex = "g";
/** Sessions that a beginning of an id finds: two say already that it is not one. */
const mostWithPrefix = 10;

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
