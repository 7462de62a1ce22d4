import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database } from "../schema.ts";
import type { ObjectStore, StoredObject } from "../store.ts";

export function createObjects(db: Database, changes: ChangeWriter): ObjectStore {
  return {
    all: () =>
      db
        .selectFrom("objects")
        .selectAll()
        .orderBy("kind")
        .orderBy("created_at")
        .orderBy("id")
        .execute(),

    async find(keys) {
      const objects: StoredObject[] = [];
      for (const { kind, id } of keys) {
        const query = db.selectFrom("objects").selectAll();
        const row = await query.where("kind", "=", kind).where("id", "=", id).executeTakeFirst();
        if (row !== undefined) objects.push(row);
      }
      return objects;
    },

    change: (put, remove) =>
      inTransaction(db, async (transaction) => {
        for (const { kind, id } of remove) {
          await transaction
            .deleteFrom("objects")
            .where("kind", "=", kind)
            .where("id", "=", id)
            .execute();
        }
        for (const object of put) await putObject(transaction, object);
        const ids = [...remove, ...put].map(
          ({ kind, id }) => ({ what: "object", kind, id }) as const,
        );
        await changes.write(transaction, ids);
      }),
  };
}

async function putObject(db: Database, object: StoredObject): Promise<void> {
  await db
    .insertInto("objects")
    .values(object)
    .onConflict((conflict) => conflict.columns(["kind", "id"]).doUpdateSet(object))
    .execute();
}
