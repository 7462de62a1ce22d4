// Calls that came while the disk was busy are written in one transaction: one wait for the disk
// confirms them all. Each call is a savepoint of its own, so that one which fails takes no other
// with it.
import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "kysely";
import type { ChangeWriter } from "./change-feed.ts";
import type { DatabaseFiles } from "./database-files.ts";
import { busyTimeout, type Patience, whileBusy } from "./node-sqlite-dialect.ts";
import { createParts } from "./parts/create-parts.ts";
import type { Database } from "./schema.ts";
import { classOf, type PartCall } from "./sqlite-messages.ts";
import type { LogEnds, StoreParts } from "./store.ts";
import { smallStep, sweepStep } from "./sweep.ts";

/** What became of a call. */
export type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

/**
 * Whether a commit waits for the disk (`full`), and after how many pages of the write-ahead log
 * SQLite copies them into the database, which waits for the disk as well. One that does not wait is
 * in the hands of the operating system: it survives `kill -9`, and may be lost with the machine's
 * power. What strangers cause is copied by the next sweep, or the next durable commit.
 */
const modes = {
  durable: "pragma synchronous = full; pragma wal_autocheckpoint = 1000",
  passing: "pragma synchronous = normal; pragma wal_autocheckpoint = 16000",
  sweep: "pragma synchronous = normal; pragma wal_autocheckpoint = 1000",
};

interface GroupCommitParts {
  database: DatabaseSync;
  db: Database;
  changes: ChangeWriter;
  patience: Patience;
  /** undefined for a database in memory */
  files: DatabaseFiles | undefined;
}

/** Writes calls together. */
export class GroupCommit {
  readonly #parts: GroupCommitParts;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
  }

  /** @returns what became of each, when all that succeeded are confirmed */
  async write(calls: readonly PartCall[]): Promise<Outcome[]> {
    try {
      const isDurable = calls.some((call) => classOf(call) === "durable");
      const outcomes = await this.#inMode(isDurable ? "durable" : "passing", (connection) =>
        connection.transaction().execute((transaction) => this.#run(transaction, calls)),
      );
      // What was written into a file that is gone is confirmed to nobody.
      this.#parts.files?.check();
      return outcomes;
    } catch (error) {
      // Nothing of the transaction is there.
      return calls.map(() => ({ ok: false, error }));
    }
  }

  /** Removes what has expired before `now`. Others are served between two steps. */
  async sweep(now: number, logs?: LogEnds): Promise<void> {
    while (await this.#inMode("sweep", (connection) => sweepStep(connection, now, logs, smallStep)))
      await nextTurn();
  }

  async #run(transaction: Database, calls: readonly PartCall[]): Promise<Outcome[]> {
    const parts = createParts(transaction, this.#parts.changes);
    const outcomes: Outcome[] = [];
    for (const call of calls) {
      await sql`savepoint call`.execute(transaction);
      const outcome = await attempt(() => invoke(parts, call));
      if (!outcome.ok) await this.#undo(transaction, outcome.error);
      await sql`release call`.execute(transaction);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  /** @throws {unknown} the error, when SQLite undid the whole transaction: the disk is full */
  async #undo(transaction: Database, error: unknown): Promise<void> {
    if (!this.#parts.database.isTransaction) throw error;
    await sql`rollback to call`.execute(transaction);
  }

  /**
   * The connection is this step's alone until it ends, and so is the mode. While another process
   * keeps the database locked, those who only read have the connection between two tries.
   */
  #inMode<Result>(
    mode: keyof typeof modes,
    step: (connection: Database) => Promise<Result>,
  ): Promise<Result> {
    const { db, database, patience, files } = this.#parts;
    const inMode = async (connection: Database) => {
      files?.check();
      database.exec(modes[mode]);
      patience.ms = 0;
      try {
        return await step(connection);
      } finally {
        patience.ms = busyTimeout;
      }
    };
    return whileBusy(() => db.connection().execute(inMode));
  }
}

async function attempt(step: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: await step() };
  } catch (error) {
    return { ok: false, error };
  }
}

type StoreMethod = (...args: readonly unknown[]) => Promise<unknown>;

/** @throws {Error} as the method does, or when there is none of this name */
export function invoke(parts: StoreParts, { part, method, args }: PartCall): Promise<unknown> {
  const methods = parts[part] as unknown as Record<string, StoreMethod | undefined>;
  const storeMethod = methods[method];
  if (storeMethod === undefined) throw new Error(`the store has no ${part}.${method}`);
  return storeMethod(...args);
}
