// Grants. One whose session has ended is not there any more: that end is what others are told.
import type { CredentialScope } from "@postern/protocol";
import { inTransaction } from "../in-transaction.ts";
import type { Database, GrantRow } from "../schema.ts";
import type { GrantStore, StoredGrant } from "../store.ts";

export function createGrants(db: Database): GrantStore {
  return {
    add: (grant) =>
      inTransaction(db, async (transaction) => {
        const { id, session_id, expires_at, scope } = grant;
        const row: GrantRow = { ...grant, scope: JSON.stringify(scope) };
        await transaction.insertInto("grants").values(row).execute();
        if (scope.count === undefined) return;
        const count = { id, session_id, expires_at, uses_left: scope.count };
        await transaction.insertInto("use_counts").values(count).execute();
      }),

    async ofUser(userId, now) {
      const rows = await db
        .selectFrom("grants")
        .innerJoin("sessions", "sessions.id", "grants.session_id")
        .leftJoin("use_counts", "use_counts.id", "grants.id")
        .selectAll("grants")
        .select("use_counts.uses_left")
        .where("grants.user_id", "=", userId)
        .where("grants.expires_at", ">", now)
        .where("sessions.revoked_at", "is", null)
        .where("sessions.expires_at", ">", now)
        .orderBy("grants.created_at")
        .orderBy("grants.id")
        .execute();
      return rows.map(({ uses_left, ...row }) => ({ ...fromRow(row), uses_left }));
    },
  };
}

function fromRow(row: GrantRow): StoredGrant {
  const scope: CredentialScope = JSON.parse(row.scope);
  return { ...row, scope };
}
