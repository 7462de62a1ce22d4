import type { ExpressionBuilder } from "kysely";
import { type ChangeWriter, objectsChangedSince } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database, Schema } from "../schema.ts";
import type { ObjectKey, ObjectStore, StoredObject } from "../store.ts";

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
      for (const some of chunksOf(keys)) {
        const query = db.selectFrom("objects").selectAll();
        objects.push(...(await query.where((row) => isOneOf(row, some)).execute()));
      }
      return objects;
    },

    changedSince: (position) => objectsChangedSince(db, position),

    change: (put, remove, audit = [], judgedAt) =>
      inTransaction(db, async (transaction) => {
        if (judgedAt !== undefined) {
          const { changed } = await objectsChangedSince(transaction, judgedAt);
          if (changed.length > 0) return undefined;
        }
        for (const some of chunksOf(remove)) {
          const removal = transaction.deleteFrom("objects");
          await removal.where((row) => isOneOf(row, some)).execute();
        }
        for (const some of chunksOf(lastOfEach(put))) await putObjects(transaction, some);
        const ids = [...remove, ...put].map(
          ({ kind, id }) => ({ what: "object", kind, id }) as const,
        );
        const position = await changes.write(transaction, ids);
        for (const entry of audit) await transaction.insertInto("audit").values(entry).execute();
        return position;
      }),
  };
}

/** Objects that go in one statement: with thousands, each would be a way to the server and back. */
const perStatement = 100;

function* chunksOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += perStatement)
    yield items.slice(start, start + perStatement);
}

function isOneOf(row: ExpressionBuilder<Schema, "objects">, keys: readonly ObjectKey[]) {
  return row.or(keys.map(({ kind, id }) => row.and({ kind, id })));
}

/** One statement cannot put the same object twice. */
function lastOfEach(objects: readonly StoredObject[]): StoredObject[] {
  return [...new Map(objects.map((object) => [`${object.kind} ${object.id}`, object])).values()];
}

async function putObjects(db: Database, objects: readonly StoredObject[]): Promise<void> {
  await db
    .insertInto("objects")
    .values(objects)
    .onConflict((conflict) =>
      conflict.columns(["kind", "id"]).doUpdateSet((row) => ({
        name: row.ref("excluded.name"),
        aud: row.ref("excluded.aud"),
        managed_by: row.ref("excluded.managed_by"),
        body: row.ref("excluded.body"),
        created_at: row.ref("excluded.created_at"),
        updated_at: row.ref("excluded.updated_at"),
      })),
    )
    .execute();
}
