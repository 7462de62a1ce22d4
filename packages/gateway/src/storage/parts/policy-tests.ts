import type { PolicyTestStore } from "../admin-records.ts";
import type { Database } from "../schema.ts";

export function createPolicyTests(db: Database): PolicyTestStore {
  return {
    async add(test) {
      await db.insertInto("policy_tests").values(test).execute();
    },

    find: (id) => db.selectFrom("policy_tests").selectAll().where("id", "=", id).executeTakeFirst(),

    async progress(id, counts) {
      await db.updateTable("policy_tests").set(counts).where("id", "=", id).execute();
    },
  };
}
