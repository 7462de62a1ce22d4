// People. Whoever is removed goes with their sessions; another login with the same address makes
// another user, with another `sub`.
import { sql } from "kysely";
import type { Identity } from "../../model/model.ts";
import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database, UserRow } from "../schema.ts";
import type { StoredUser, UserQuery, UserStore } from "../store.ts";

export function createUsers(db: Database, changes: ChangeWriter): UserStore {
  const rowWith = (column: "id" | "email", value: string) =>
    db.selectFrom("users").selectAll().where(column, "=", value).executeTakeFirst();

  return {
    async forEmail(email, now, newId) {
      const existing = await rowWith("email", email);
      if (existing !== undefined) return fromRow(existing);

      const user: UserRow = { ...newUser, id: newId, email, created_at: now };
      await db
        .insertInto("users")
        .values(user)
        .onConflict((conflict) => conflict.column("email").doNothing())
        .execute();
      // Our own row, or that of whoever came first.
      return fromRow((await rowWith("email", email)) ?? user);
    },

    async find(id) {
      const row = await rowWith("id", id);
      return row && fromRow(row);
    },

    async withEmail(email) {
      const row = await rowWith("email", email);
      return row && fromRow(row);
    },

    async list(query) {
      const matching = usersMatching(db, query);
      const { total } = await matching
        .select((row) => row.fn.countAll<number>().as("total"))
        .executeTakeFirstOrThrow();
      const rows = await matching
        .selectAll()
        .orderBy("email")
        .limit(query.limit)
        .offset(query.offset)
        .execute();
      return { items: rows.map(fromRow), total: Number(total) };
    },

    async after(email, limit) {
      const rows = await db
        .selectFrom("users")
        .selectAll()
        .where("email", ">", email)
        .orderBy("email")
        .limit(limit)
        .execute();
      return rows.map(fromRow);
    },

    async rename(id, name, now) {
      const { numUpdatedRows } = await db
        .updateTable("users")
        .set({ name, updated_at: now })
        .where("id", "=", id)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    remove: (id, now) =>
      inTransaction(db, async (transaction) => {
        const ended = await transaction
          .selectFrom("sessions")
          .select("id")
          .where("user_id", "=", id)
          .where("revoked_at", "is", null)
          .where("expires_at", ">", now)
          .execute();
        // Grants, counts and the sessions of terminals go with the sessions that they hang on.
        await transaction.deleteFrom("grants").where("user_id", "=", id).execute();
        await transaction.deleteFrom("sessions").where("user_id", "=", id).execute();
        const { numDeletedRows } = await transaction
          .deleteFrom("users")
          .where("id", "=", id)
          .executeTakeFirstOrThrow();
        const ids = ended.map((row) => row.id);
        await changes.write(
          transaction,
          ids.map((ended) => ({ what: "session", id: ended })),
        );
        return numDeletedRows === 1n ? ids : undefined;
      }),
  };
}

const newUser = {
  name: null,
  updated_at: null,
  last_successful_login: null,
  last_identity: null,
} satisfies Partial<UserRow>;

function usersMatching(db: Database, { email, name, search }: UserQuery) {
  let users = db.selectFrom("users");
  if (email !== undefined) users = users.where(has("email", email));
  if (name !== undefined) users = users.where(has("name", name));
  if (search !== undefined)
    users = users.where(({ or }) => or([has("email", search), has("name", search)]));
  return users;
}

/** Whether a column has a part, read as it is: `%` and `_` mean themselves. */
function has(column: "email" | "name", part: string) {
  const literal = part.toLowerCase().replace(/[\\%_]/g, "\\$&");
  return sql<boolean>`lower(${sql.ref(`users.${column}`)}) like ${`%${literal}%`} escape '\\'`;
}

function fromRow(row: UserRow): StoredUser {
  const { last_identity } = row;
  return { ...row, last_identity: last_identity === null ? null : readIdentity(last_identity) };
}

/** What cannot be read is not known: the next login says it anew. */
function readIdentity(text: string): Identity | null {
  try {
    return JSON.parse(text) as Identity;
  } catch {
    return null;
  }
}
