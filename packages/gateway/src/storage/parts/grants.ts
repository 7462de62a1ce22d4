// Grants. One whose session has ended is not there any more: that end is what others are told.
import type { CredentialScope } from "@postern/protocol";
import { inTransaction } from "../in-transaction.ts";
import type { Database, GrantRow } from "../schema.ts";
import type { GrantStore, StandingGrant, StoredGrant } from "../store.ts";
import { noteUse } from "./session-applications.ts";

export function createGrants(db: Database): GrantStore {
  return {
    add: (grant) =>
      inTransaction(db, async (transaction) => {
        const { id, session_id, expires_at, scope } = grant;
        const row: GrantRow = { ...grant, scope: JSON.stringify(scope) };
        await transaction.insertInto("grants").values(row).execute();
        await noteUse(transaction, { session_id, aud: grant.aud });
        if (scope.count === undefined) return;
        const count = { id, session_id, expires_at, uses_left: scope.count };
        await transaction.insertInto("use_counts").values(count).execute();
      }),

    async find(id) {
      const row = await db.selectFrom("grants").selectAll().where("id", "=", id).executeTakeFirst();
      return row && fromRow(row);
    },

    async ofSessions(ids) {
      if (ids.length === 0) return [];
      const rows = await withCounts(db).where("grants.session_id", "in", ids).execute();
      return rows.map(standing);
    },

    async ofUser(userId, now) {
      const rows = await withCounts(db)
        .innerJoin("sessions", "sessions.id", "grants.session_id")
        .where("grants.user_id", "=", userId)
        .where("grants.expires_at", ">", now)
        .where("sessions.revoked_at", "is", null)
        .where("sessions.expires_at", ">", now)
        .orderBy("grants.created_at")
        .orderBy("grants.id")
        .execute();
      return rows.map(standing);
    },
  };
}

function withCounts(db: Database) {
  return db
    .selectFrom("grants")
    .leftJoin("use_counts", "use_counts.id", "grants.id")
    .selectAll("grants")
    .select("use_counts.uses_left");
}

function standing({
  uses_left,
  ...row
}: GrantRow & Pick<StandingGrant, "uses_left">): StandingGrant {
  return { ...fromRow(row), uses_left };
}

function fromRow(row: GrantRow): StoredGrant {
  const scope: CredentialScope = JSON.parse(row.scope);
  return { ...row, scope };
}
