// What an operator or the gateway itself decides once: settings, configured objects, signing keys.
// Changes that depend on what stands happen in one transaction, which holds the write lock from its
// first reading on.
import type { Database } from "./schema.ts";
import type { Store, StoredKey, StoredObject } from "./store.ts";

type ConfigurationRecords = Pick<
  Store,
  "setting" | "objects" | "changeObjects" | "keys" | "changeKeys"
>;

export function configurationRecords(ready: Promise<Database>): ConfigurationRecords {
  return {
    async setting(name, initial) {
      const db = await ready;
      const read = () =>
        db.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirst();
      const standing = await read();
      if (standing !== undefined) return standing.value;
      const value = initial();
      await db
        .insertInto("settings")
        .values({ name, value })
        .onConflict((conflict) => conflict.column("name").doNothing())
        .execute();
      // Nothing ever removes a setting: what is read now is in force, ours or that of whoever came
      // first.
      return (await read())?.value ?? value;
    },

    async objects() {
      const db = await ready;
      return db
        .selectFrom("objects")
        .selectAll()
        .orderBy("kind")
        .orderBy("created_at")
        .orderBy("id")
        .execute();
    },
    async changeObjects(put, remove) {
      const db = await ready;
      await db.transaction().execute(async (transaction) => {
        for (const { kind, id } of remove)
          await transaction
            .deleteFrom("objects")
            .where("kind", "=", kind)
            .where("id", "=", id)
            .execute();
        for (const object of put) await putObject(transaction, object);
      });
    },

    keys: async () => readKeys(await ready),
    async changeKeys(change) {
      const db = await ready;
      return db.transaction().execute(async (transaction) => {
        const before = await readKeys(transaction);
        const after = change(before.map((key) => ({ ...key })));
        await writeKeys(transaction, before, after);
        return after;
      });
    },
  };
}

async function putObject(db: Database, object: StoredObject): Promise<void> {
  await db
    .insertInto("objects")
    .values(object)
    .onConflict((conflict) => conflict.columns(["kind", "id"]).doUpdateSet(object))
    .execute();
}

function readKeys(db: Database): Promise<StoredKey[]> {
  return db.selectFrom("signing_keys").selectAll().orderBy("created_at").orderBy("kid").execute();
}

async function writeKeys(
  db: Database,
  before: readonly StoredKey[],
  after: readonly StoredKey[],
): Promise<void> {
  const kept = new Set(after.map(({ kid }) => kid));
  for (const { kid } of before)
    if (!kept.has(kid)) await db.deleteFrom("signing_keys").where("kid", "=", kid).execute();
  for (const key of after) {
    const standing = before.find(({ kid }) => kid === key.kid);
    if (standing !== undefined && JSON.stringify(standing) === JSON.stringify(key)) continue;
    await db
      .insertInto("signing_keys")
      .values(key)
      .onConflict((conflict) => conflict.column("kid").doUpdateSet(key))
      .execute();
  }
}
