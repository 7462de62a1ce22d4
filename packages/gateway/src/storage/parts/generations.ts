// The revocation of an application's tokens: those that were issued before say another generation.
import type { ChangeWriter } from "../change-feed.ts";
import { inTransaction } from "../in-transaction.ts";
import type { Database } from "../schema.ts";
import type { GenerationStore } from "../store.ts";
import { forgetUses } from "./session-applications.ts";

export function createGenerations(db: Database, changes: ChangeWriter): GenerationStore {
  return {
    find: (aud) =>
      db
        .selectFrom("application_generations")
        .selectAll()
        .where("aud", "=", aud)
        .executeTakeFirst(),

    put: (generation) =>
      inTransaction(db, async (transaction) => {
        const { aud, revoked_at } = generation;
        await transaction
          .insertInto("application_generations")
          .values(generation)
          .onConflict((conflict) => conflict.column("aud").doUpdateSet(generation))
          .execute();
        const grants = transaction.selectFrom("grants").select("session_id").where("aud", "=", aud);
        await transaction.deleteFrom("session_applications").where("aud", "=", aud).execute();
        const ended = await transaction
          .updateTable("sessions")
          .set({ revoked_at })
          .where("revoked_at", "is", null)
          .where("id", "in", grants)
          .returning("id")
          .execute();
        const ids = ended.map(({ id }) => id);
        await forgetUses(transaction, ids);
        const sessions = ids.map((id) => ({ what: "session", id }) as const);
        await changes.write(transaction, [{ what: "application", aud }, ...sessions]);
        return ids;
      }),
  };
}
