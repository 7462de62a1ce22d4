import type { Database } from "../schema.ts";
import type { SshAuthorityStore } from "../store.ts";

export function createSshAuthorities(db: Database): SshAuthorityStore {
  const rowOf = (aud: string) =>
    db.selectFrom("ssh_authorities").selectAll().where("aud", "=", aud);

  return {
    find: (aud) => rowOf(aud).executeTakeFirst(),

    async add(authority) {
      await db
        .insertInto("ssh_authorities")
        .values(authority)
        .onConflict((conflict) => conflict.column("aud").doNothing())
        .execute();
      // Our own, or that of whoever came first.
      return rowOf(authority.aud).executeTakeFirstOrThrow();
    },

    async replace(before, after) {
      await db
        .updateTable("ssh_authorities")
        .set(after)
        .where("aud", "=", before.aud)
        .where("sealed_private_key", "=", before.sealed_private_key)
        .execute();
      return rowOf(before.aud).executeTakeFirstOrThrow();
    },

    all: () =>
      db.selectFrom("ssh_authorities").selectAll().orderBy("created_at").orderBy("aud").execute(),

    async remove(aud) {
      const { numDeletedRows } = await db
        .deleteFrom("ssh_authorities")
        .where("aud", "=", aud)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
  };
}
