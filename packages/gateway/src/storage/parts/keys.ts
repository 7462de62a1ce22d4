// A change of keys happens in one transaction, which holds the write lock from its first reading
// on: of two processes that rotate at once, the second sees what the first wrote.
import type { Database } from "../schema.ts";
import type { KeyStore, StoredKey } from "../store.ts";

export function createKeys(db: Database): KeyStore {
  return {
    all: () => readKeys(db),

    change: (change) =>
      db.transaction().execute(async (transaction) => {
        const before = await readKeys(transaction);
        const after = change(before.map((key) => ({ ...key })));
        await writeDifference(transaction, before, after);
        return after;
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
    if (JSON.stringify(existing) === JSON.stringify(key)) continue;
    await db
      .insertInto("signing_keys")
      .values(key)
      .onConflict((conflict) => conflict.column("kid").doUpdateSet(key))
      .execute();
  }
}
