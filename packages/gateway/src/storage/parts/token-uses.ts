// When service tokens were last used. Several processes note that, each in its own time: the latest
// counts.
import { inTransaction } from "../in-transaction.ts";
import type { Database } from "../schema.ts";
import type { StoredTokenUse, TokenUseStore } from "../store.ts";

/** Databases take a limited number of values in one statement. */
const idsAtOnce = 500;

export function createTokenUses(db: Database): TokenUseStore {
  return {
    async find(ids) {
      const uses: StoredTokenUse[] = [];
      for (let start = 0; start < ids.length; start += idsAtOnce) {
        const some = ids.slice(start, start + idsAtOnce);
        const query = db.selectFrom("service_token_uses").selectAll();
        uses.push(...(await query.where("id", "in", some).execute()));
      }
      return uses;
    },

    note: (uses) =>
      inTransaction(db, async (transaction) => {
        for (const use of uses) await noteUse(transaction, use);
      }),

    async forget(ids) {
      if (ids.length === 0) return;
      await db.deleteFrom("service_token_uses").where("id", "in", ids).execute();
    },
  };
}

async function noteUse(db: Database, use: StoredTokenUse): Promise<void> {
  await db
    .insertInto("service_token_uses")
    .values(use)
    .onConflict((conflict) =>
      conflict
        .column("id")
        .doUpdateSet({ last_used_at: use.last_used_at })
        .where("service_token_uses.last_used_at", "<", use.last_used_at),
    )
    .execute();
}
