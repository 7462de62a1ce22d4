import type { AuditStore } from "../admin-records.ts";
import type { Database } from "../schema.ts";

export function createAudit(db: Database): AuditStore {
  return {
    async add(entry) {
      await db.insertInto("audit").values(entry).execute();
    },

    async page({ since, until, offset, limit }) {
      const wanted = db
        .selectFrom("audit")
        .where("created_at", ">=", since)
        .where("created_at", "<=", until);
      const { total } = await wanted
        .select((row) => row.fn.countAll<number>().as("total"))
        .executeTakeFirstOrThrow();
      const entries = await wanted
        .selectAll()
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .offset(offset)
        .limit(limit)
        .execute();
      return { entries, total: Number(total) };
    },
  };
}
