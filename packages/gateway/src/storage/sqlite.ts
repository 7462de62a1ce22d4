// The store in SQLite, the default: one file, or memory for tests and `postern dev --ephemeral`.
// Several processes may have the same file open. What was confirmed is on the disk (WAL,
// synchronous=FULL).
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import { StoreUnavailableError } from "../store-unavailable.ts";
import { ChangeReader, ChangeWriter, newestEntry } from "./change-feed.ts";
import { DatabaseFiles, newVerdict, type Verdict } from "./database-files.ts";
import { diskFaultOf } from "./disk-faults.ts";
import { GroupCommit, type Outcome } from "./group-commit.ts";
import { migrate } from "./migrate.ts";
import { busyTimeout, nodeSqliteDialect } from "./node-sqlite-dialect.ts";
import { createParts } from "./parts/create-parts.ts";
import type { Database, Schema } from "./schema.ts";
import type { Access, PartCall } from "./sqlite-messages.ts";
import type { Store, StoreChange } from "./store.ts";
import { VersionCounter, watchChanges } from "./watch-changes.ts";

/** A store that can confirm several calls at once. */
export interface SqliteStore extends Store {
  /** @returns what became of each call, when all that succeeded are confirmed */
  writeTogether(calls: readonly PartCall[]): Promise<Outcome[]>;
  /** @throws {StoreUnavailableError} when the files were removed or replaced */
  checkFiles(): void;
}

/**
 * Opens the database. To write, it is made when there is none, and its tables are brought up to
 * date.
 * @param location ":memory:" or an absolute path
 * @param origin a value of this opening alone: what it changes itself is no news to it
 * @param access `read` is for a second connection to a file that is open already
 * @param verdict of the first connection, for the second one
 * @throws {Error} when the file cannot be opened or made, or its tables cannot be used
 */
export async function openSqliteStore(
  location: string,
  origin: string,
  access: Access = "write",
  verdict: Verdict = newVerdict(),
): Promise<SqliteStore> {
  const database = open(location, access);
  const patience = { ms: busyTimeout };
  const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(database, patience) });
  if (access === "write") await migrateOrClose(db, location);
  const files = location === ":memory:" ? undefined : new DatabaseFiles(location, verdict);
  const watch = await prepareWatch({ database, db, origin, files });
  const unwatches = new Set<() => Promise<void>>();
  const changes = new ChangeWriter(origin);
  const groupCommit = new GroupCommit({ database, db, changes, patience, files });

  return {
    ...createParts(db, changes),
    writeTogether: (calls) => groupCommit.write(calls),
    checkFiles: () => files?.check(),
    sweep: (now, logs) => groupCommit.sweep(now, logs),
    watch(onChange) {
      const unwatch = watch(onChange);
      unwatches.add(unwatch);
      return () => {
        unwatches.delete(unwatch);
        void unwatch();
      };
    },
    async close() {
      await Promise.all([...unwatches].map((unwatch) => unwatch()));
      await db.destroy();
      files?.close();
    },
  };
}

interface WatchParts {
  database: DatabaseSync;
  db: Database;
  origin: string;
  files: DatabaseFiles | undefined;
}

/** What changes from here on, while the gateway is still starting, is news to every watcher. */
async function prepareWatch({ database, db, origin, files }: WatchParts) {
  const counter = new VersionCounter(database);
  const seenVersion = counter.read();
  const last = await newestEntry(db);
  return (onChange: (changes: readonly StoreChange[]) => void) => {
    const reader = new ChangeReader({ origin, last });
    return watchChanges({ counter, seenVersion, reader, db, files }, onChange);
  };
}

async function migrateOrClose(db: Database, location: string): Promise<void> {
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    const fault = diskFaultOf(causeOf(error)) ?? messageOf(error);
    throw new Error(`the database ${location} cannot be used: ${fault}`, { cause: error });
  }
}

function open(location: string, access: Access): DatabaseSync {
  try {
    const database = access === "read" ? openToRead(location) : openToWrite(location);
    // From here on, waiting is the dialect's.
    database.exec("pragma busy_timeout = 0");
    return database;
  } catch (error) {
    const fault = diskFaultOf(error) ?? `${messageOf(error)}; check \`store\` in the configuration`;
    throw new Error(`the database ${location} cannot be opened: ${fault}`, { cause: error });
  }
}

function openToWrite(location: string): DatabaseSync {
  if (location !== ":memory:") makePrivateFile(location);
  const database = new DatabaseSync(location, {
    timeout: busyTimeout,
    enableForeignKeyConstraints: true,
  });
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  // One that was cut by a crash would never be told from an overwritten file (database-files.ts).
  database.exec("pragma wal_checkpoint(passive)");
  return database;
}

/** In WAL mode a reader waits for no writer, and sees all that is committed. */
function openToRead(location: string): DatabaseSync {
  return new DatabaseSync(location, { timeout: busyTimeout, readOnly: true });
}

/**
 * SQLite makes files that everybody may read; those beside it (-wal, -shm) take their mode from
 * this one.
 */
function makePrivateFile(location: string): void {
  mkdirSync(dirname(location), { recursive: true, mode: 0o700 });
  closeSync(openSync(location, constants.O_RDWR | constants.O_CREAT, 0o600));
}

/** What a StoreUnavailableError says of the disk stands in its cause. */
function causeOf(error: unknown): unknown {
  return error instanceof StoreUnavailableError ? error.cause : error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
