// Keys are replaced only by whoever has seen them as they are: of two processes that rotate at
// once, the second is told so and looks again.
import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database } from "../schema.ts";
import type { KeyStore, StoredKey } from "../store.ts";

export function createKeys(db: Database, changes: ChangeWriter): KeyStore {
  return {
    all: () => readKeys(db),

    replace: (before, after) =>
      // The transaction holds the write lock from its first reading on.
      inTransaction(db, async (transaction) => {
        const existing = await readKeys(transaction);
        if (!isSame(existing, before)) return false;
        if (isSame(existing, after)) return true;
        await writeDifference(transaction, existing, after);
        await changes.write(transaction, [{ what: "keys" }]);
        return true;
      }),
  };
}

function readKeys(db: Database): Promise<StoredKey[]> {
  return db.selectFrom("signing_keys").selectAll().orderBy("created_at").orderBy("kid").execute();
}

async function writeDifference(
  db: Database,
  before: readonly StoredKey[],
  after: readonly StoredKey[],
): Promise<void> {
  const remaining = new Set(after.map(({ kid }) => kid));
  for (const { kid } of before) {
    if (remaining.has(kid)) continue;
    await db.deleteFrom("signing_keys").where("kid", "=", kid).execute();
  }
  for (const key of after) {
    const existing = before.find(({ kid }) => kid === key.kid);
    if (isSame(existing, key)) continue;
    await db
      .insertInto("signing_keys")
      .values(key)
      .onConflict((conflict) => conflict.column("kid").doUpdateSet(key))
      .execute();
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
