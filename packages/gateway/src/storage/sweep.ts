// Removes what has expired, a few rows at a time: whoever needs the database waits for one step and
// not for a million rows.
import { timePrefix } from "./access-log.ts";
import type { Database } from "./schema.ts";
import type { LogEnds } from "./store.ts";

const day = 24 * 60 * 60_000;
/** How long an expired session can still be asked about, milliseconds. */
const expiredSessionLife = 30 * day;
/** How long the page of a terminal's sign-in can still say how that ended, milliseconds. */
const expiredTransferLife = 60 * 60_000;

/** How many rows one step removes, at most. */
export interface StepSize {
  rows: number;
  /** of the access log: each stands in ten indices */
  logRows: number;
}

/** Where one thread writes, and everybody who writes waits for a step. */
export const smallStep: StepSize = { rows: 200, logRows: 50 };
/** Where nobody waits for a step: what it takes beside its commit counts. */
export const largeStep: StepSize = { rows: 200, logRows: 1_000 };

/** The tables that are swept, and for how long their rows stay after their end, milliseconds. */
const tables = {
  handovers: 0,
  pins: 0,
  counts: 0,
  transfers: expiredTransferLife,
  grants: 0,
  use_counts: 0,
  policy_tests: 0,
  sessions: expiredSessionLife,
} as const;

/**
 * Removes some of what had expired before `now`: of sessions, a month before; of mailboxes, an
 * hour.
 * @returns whether there may be more
 */
export async function sweepStep(
  db: Database,
  now: number,
  logs: LogEnds | undefined,
  { rows, logRows }: StepSize,
): Promise<boolean> {
  for (const [table, extraLife] of Object.entries(tables) as [keyof typeof tables, number][]) {
    if ((await sweepTable(db, table, now - extraLife, rows)) === rows) return true;
  }
  if (logs === undefined) return false;
  return (await sweepAudit(db, logs, rows)) || (await sweepAccessLog(db, logs, logRows));
}

/** @returns whether there may be more */
async function sweepAudit(db: Database, { auditBefore }: LogEnds, rows: number): Promise<boolean> {
  const old = db.selectFrom("audit").select("id").where("created_at", "<", auditBefore).limit(rows);
  const removed = await db.deleteFrom("audit").where("id", "in", old).executeTakeFirstOrThrow();
  return Number(removed.numDeletedRows) === rows;
}

/** @returns whether there may be more */
async function sweepAccessLog(
  db: Database,
  { signInsBefore, requestsBefore }: LogEnds,
  rows: number,
): Promise<boolean> {
  const ends = { login: signInsBefore, logout: signInsBefore, request: requestsBefore };
  for (const [action, before] of Object.entries(ends)) {
    const old = db
      .selectFrom("access_log")
      .select("id")
      .where("action", "=", action as keyof typeof ends)
      .where("id", "<", timePrefix(before))
      .orderBy("id")
      .limit(rows);
    const removed = await db.deleteFrom("access_log").where("id", "in", old).executeTakeFirst();
    if (Number(removed.numDeletedRows) === rows) return true;
  }
  return false;
}

/** @returns how many rows were removed */
async function sweepTable(
  db: Database,
  table: keyof typeof tables,
  expiredBefore: number,
  rows: number,
): Promise<number> {
  const key = table === "counts" ? "key" : "id";
  const expired = db
    .selectFrom(table)
    .select(key)
    .where("expires_at", "<", expiredBefore)
    .limit(rows);
  const { numDeletedRows } = await db
    .deleteFrom(table)
    .where(key, "in", expired)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
