import type { Database } from "./schema.ts";

const day = 24 * 60 * 60_000;
/** How long an expired session can still be asked about, milliseconds. */
const expiredSessionLife = 30 * day;

/** Removes what has expired before `now`, and sessions a month later. */
export async function sweep(db: Database, now: number): Promise<void> {
  for (const table of ["handovers", "pins", "counts", "transfers"] as const)
    await db.deleteFrom(table).where("expires_at", "<", now).execute();
  await db
    .deleteFrom("sessions")
    .where("expires_at", "<", now - expiredSessionLife)
    .execute();
}
