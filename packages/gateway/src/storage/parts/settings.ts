import type { Database } from "../schema.ts";
import type { SettingStore } from "../store.ts";

export function createSettings(db: Database): SettingStore {
  const readRow = (name: string) =>
    db.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirst();

  return {
    find: async (name) => (await readRow(name))?.value,

    async set(name, value) {
      await db
        .insertInto("settings")
        .values({ name, value })
        .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
        .execute();
    },

    async get(name, initial) {
      const existing = await readRow(name);
      if (existing !== undefined) return existing.value;

      await db
        .insertInto("settings")
        .values({ name, value: initial })
        .onConflict((conflict) => conflict.column("name").doNothing())
        .execute();
      // No setting is ever removed: this reads our own value, or that of whoever came first.
      const row = await readRow(name);
      return row?.value ?? initial;
    },
  };
}
