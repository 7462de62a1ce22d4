import type { Database } from "../schema.ts";
import type { HandoverStore } from "../store.ts";

export function createHandovers(db: Database): HandoverStore {
  return {
    async add(handover) {
      await db.insertInto("handovers").values(handover).execute();
    },

    take: (id) => db.deleteFrom("handovers").where("id", "=", id).returningAll().executeTakeFirst(),
  };
}
