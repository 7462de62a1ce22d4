import type { AdminTokenStore, StoredAdminToken } from "../admin-records.ts";
import type { AdminTokenRow, Database } from "../schema.ts";

export function createAdminTokens(db: Database): AdminTokenStore {
  return {
    async all() {
      const query = db.selectFrom("admin_tokens").selectAll();
      return (await query.orderBy("created_at").orderBy("id").execute()).map(fromRow);
    },

    async add(token) {
      await db.insertInto("admin_tokens").values(toRow(token)).execute();
    },

    async findByHash(hash) {
      const query = db.selectFrom("admin_tokens").selectAll().where("hash", "=", hash);
      const row = await query.executeTakeFirst();
      return row && fromRow(row);
    },

    async remove(id) {
      const result = await db.deleteFrom("admin_tokens").where("id", "=", id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function toRow({ permissions, applications, ...token }: StoredAdminToken): AdminTokenRow {
  return {
    ...token,
    permissions: JSON.stringify(permissions),
    applications: applications && JSON.stringify(applications),
  };
}

function fromRow({ permissions, applications, ...row }: AdminTokenRow): StoredAdminToken {
  return {
    ...row,
    permissions: JSON.parse(permissions),
    applications: applications === null ? null : JSON.parse(applications),
  };
}
