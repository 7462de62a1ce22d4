import type { Database } from "../schema.ts";
import type { UserStore } from "../store.ts";

export function createUsers(db: Database): UserStore {
  const withEmail = (email: string) =>
    db.selectFrom("users").selectAll().where("email", "=", email);

  return {
    async forEmail(email, now, newId) {
      const existing = await withEmail(email).executeTakeFirst();
      if (existing !== undefined) return existing;

      await db
        .insertInto("users")
        .values({ id: newId, email, created_at: now })
        .onConflict((conflict) => conflict.column("email").doNothing())
        .execute();
      // No user is ever removed: this reads our own row, or that of whoever came first.
      return withEmail(email).executeTakeFirstOrThrow();
    },
  };
}
