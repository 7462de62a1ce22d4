import type { Database } from "./schema.ts";

/** Runs the step in a transaction of its own, or in the one that is under way. */
export function inTransaction<Result>(
  db: Database,
  step: (transaction: Database) => Promise<Result>,
): Promise<Result> {
  return db.isTransaction ? step(db) : db.transaction().execute(step);
}
