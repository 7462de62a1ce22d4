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

/** How long a statement waits for another process, milliseconds. */
export const busyTimeout = 5_000;
const busyInterval = 5;
// Our statements are a few dozen; this only bounds lists of varying length.
const keptStatements = 200;

export function nodeSqliteDialect(database: DatabaseSync): Dialect {
  return {
    createDriver: () => createDriver(database),
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

function createDriver(database: DatabaseSync): Driver {
  const statements = new Map<string, StatementSync>();

  function prepare(sql: string): StatementSync {
    const kept = statements.get(sql);
    if (kept !== undefined) return kept;
    if (statements.size >= keptStatements) statements.clear();
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  function execute<Row>({ sql, parameters }: CompiledQuery): QueryResult<Row> {
    const statement = prepare(sql);
    const values = parameters as SQLInputValue[];
    // node:sqlite's rows have no prototype; the rest of the program expects plain objects.
    if (statement.columns().length > 0)
      return { rows: statement.all(...values).map((row) => ({ ...row }) as Row) };
    return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
  }

  const connection: DatabaseConnection = {
    executeQuery: <Row>(query: CompiledQuery) => whileBusy(() => execute<Row>(query)),
    streamQuery() {
      throw new Error("the store streams nothing");
    },
  };
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: () => whileBusy(() => database.exec("begin immediate")),
    commitTransaction: () => whileBusy(() => database.exec("commit")),
    async rollbackTransaction() {
      // SQLite rolls back by itself when the disk is full: saying so again would hide the first
      // error.
      if (database.isOpen && database.isTransaction) database.exec("rollback");
    },
    async destroy() {
      if (database.isOpen) database.close();
    },
  };
}

/**
 * Tries until no other process stands in the way. @throws {Error} after `busyTimeout`, or at once
 * for another reason
 */
async function whileBusy<T>(step: () => T): Promise<T> {
  const deadline = performance.now() + busyTimeout;
  for (;;) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= deadline)
        throw new Error("another process keeps the database locked; nothing was changed", {
          cause: error,
        });
    }
    await pause(busyInterval);
  }
}

/** SQLITE_BUSY, with or without a detail in the upper bits (sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) : 0;
  return (code & 0xff) === 5;
}
