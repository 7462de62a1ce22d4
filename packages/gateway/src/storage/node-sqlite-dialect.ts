// Joins Kysely to node:sqlite. There is one synchronous connection: Kysely hands it to one caller
// at a time, for a whole transaction. A transaction takes the write lock when it begins (one that
// begins by reading could find its reading outdated when it comes to write, and waiting would not
// help). Waiting for another process's lock happens outside SQLite, so that requests that need no
// database are served meanwhile.
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { BoundedCache } from "../bounded-cache.ts";
import { StoreUnavailableError } from "../store-unavailable.ts";
import { diskFaultOf } from "./disk-faults.ts";

/** How long a statement waits for another process, milliseconds. */
export const busyTimeout = 5_000;
const busyInterval = 5;
// Our statements are a few dozen; this bounds only those with lists of varying length.
const statementCapacity = 200;

/** How long statements wait for another process; whoever has the connection may change it. */
export interface Patience {
  ms: number;
}

/** @param patience 0: who has the connection tries again, and leaves it to others meanwhile */
export function nodeSqliteDialect(database: DatabaseSync, patience: Patience): Dialect {
  return {
    createDriver: () => new SqliteDriver(database, patience),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new Adapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class Adapter extends SqliteAdapter {
  // SQLite does undo DDL on rollback: a migration happens wholly or not at all.
  override get supportsTransactionalDdl() {
    return true;
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #patience: Patience;
  readonly #statements = new BoundedCache<string, StatementSync>(statementCapacity);

  constructor(database: DatabaseSync, patience: Patience) {
    this.#database = database;
    this.#patience = patience;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return whileBusy(() => this.#execute<Row>(query), this.#patience.ms);
  }

  streamQuery(): never {
    throw new Error("the store streams nothing");
  }

  #execute<Row>({ sql, parameters }: CompiledQuery): QueryResult<Row> {
    const statement = this.#prepare(sql);
    const values = parameters as SQLInputValue[];
    if (statement.columns().length > 0) {
      const rows = statement.all(...values);
      // node:sqlite's rows have no prototype; the rest of the program expects plain objects.
      return { rows: rows.map((row) => ({ ...row }) as Row) };
    }
    const { changes } = statement.run(...values);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  #prepare(sql: string): StatementSync {
    const cachedStatement = this.#statements.get(sql);
    if (cachedStatement !== undefined) return cachedStatement;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

class SqliteDriver implements Driver {
  readonly #database: DatabaseSync;
  readonly #patience: Patience;
  readonly #connection: SqliteConnection;

  constructor(database: DatabaseSync, patience: Patience) {
    this.#database = database;
    this.#patience = patience;
    this.#connection = new SqliteConnection(database, patience);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {}

  beginTransaction(): Promise<void> {
    return whileBusy(() => this.#database.exec("begin immediate"), this.#patience.ms);
  }

  commitTransaction(): Promise<void> {
    return whileBusy(() => this.#database.exec("commit"), this.#patience.ms);
  }

  async rollbackTransaction(): Promise<void> {
    // SQLite rolls back by itself when the disk is full: saying so again would hide the first
    // error.
    if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec("rollback");
  }

  async destroy(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }
}

/**
 * Tries until no other process stands in the way.
 * @param timeoutMs 0 tries once
 * @throws {StoreUnavailableError} after that time, or at once when the disk is at fault
 * @throws {Error} at once for another reason
 */
export async function whileBusy<T>(step: () => T, timeoutMs = busyTimeout): Promise<Awaited<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!isBusy(error)) throw unavailable(error);
      if (timeoutMs === 0) throw error;
      if (performance.now() >= deadline)
        throw new StoreUnavailableError(
          "another process keeps the database locked; nothing was changed",
          { cause: error },
        );
    }
    await pause(busyInterval);
  }
}

/** The error, or what it says of the disk. */
function unavailable(error: unknown): unknown {
  const fault = diskFaultOf(error);
  if (fault === undefined) return error;
  return new StoreUnavailableError(`the database: ${fault}; nothing was changed`, { cause: error });
}

/** SQLITE_BUSY, with or without a detail in the upper bits (sqlite.org/rescode.html). */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  return (Number(error.errcode) & 0xff) === 5;
}
