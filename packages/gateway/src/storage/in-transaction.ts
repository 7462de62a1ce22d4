import type { Database } from "./schema.ts";

/**
 * Runs the step in a transaction of its own, or in the one that is under way. Transactions of all
 * processes run one after another, whichever database it is: what a step reads stands until it has
 * written. A statement outside of one may come in between.
 */
export function inTransaction<Result>(
  db: Database,
  step: (transaction: Database) => Promise<Result>,
): Promise<Result> {
  return db.isTransaction ? step(db) : db.transaction().execute(step);
}
