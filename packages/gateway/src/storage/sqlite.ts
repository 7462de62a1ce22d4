// The store in SQLite, the default: one file, or memory for tests and `postern dev --ephemeral`.
// Several processes may have the same file open. What was confirmed is on the disk (WAL,
// synchronous=FULL).
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { Kysely } from "kysely";
import { migrate } from "./migrate.ts";
import { busyTimeout, nodeSqliteDialect } from "./node-sqlite-dialect.ts";
import { createCounters } from "./parts/counters.ts";
import { createHandovers } from "./parts/handovers.ts";
import { createKeys } from "./parts/keys.ts";
import { createObjects } from "./parts/objects.ts";
import { createPins } from "./parts/pins.ts";
import { createSessions } from "./parts/sessions.ts";
import { createSettings } from "./parts/settings.ts";
import { createTransfers } from "./parts/transfers.ts";
import { createUsers } from "./parts/users.ts";
import type { Database, Schema } from "./schema.ts";
import type { Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** How soon another process's change is noticed, milliseconds. */
const watchInterval = 500;

/**
 * Opens the database, making it when there is none, and brings its tables up to date.
 * @param location ":memory:" or an absolute path
 * @throws {Error} when the file cannot be opened or made, or its tables cannot be used
 */
export async function openSqliteStore(location: string): Promise<Store> {
  const database = openDatabase(location);
  const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(database) });
  await migrateOrClose(db, location);
  const changes = watchChanges(database);

  return {
    settings: createSettings(db),
    objects: createObjects(db),
    keys: createKeys(db),
    users: createUsers(db),
    sessions: createSessions(db),
    handovers: createHandovers(db),
    pins: createPins(db),
    counters: createCounters(db),
    transfers: createTransfers(db),
    sweep: (now) => sweep(db, now),
    watch: changes.watch,
    async close() {
      changes.stop();
      await db.destroy();
    },
  };
}

async function migrateOrClose(db: Database, location: string): Promise<void> {
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw new Error(`the database ${location} cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function openDatabase(location: string): DatabaseSync {
  try {
    if (location !== ":memory:") makePrivateFile(location);
    const database = new DatabaseSync(location, {
      timeout: busyTimeout,
      enableForeignKeyConstraints: true,
    });
    database.exec("pragma journal_mode = wal; pragma synchronous = full");
    // From here on, waiting is the dialect's.
    database.exec("pragma busy_timeout = 0");
    return database;
  } catch (error) {
    throw new Error(
      `the database ${location} cannot be opened: ${messageOf(error)}; check \`store\` in the configuration`,
      { cause: error },
    );
  }
}

/**
 * SQLite makes files that everybody may read; those beside it (-wal, -shm) take their mode from
 * this one.
 */
function makePrivateFile(location: string): void {
  mkdirSync(dirname(location), { recursive: true, mode: 0o700 });
  closeSync(openSync(location, constants.O_RDWR | constants.O_CREAT, 0o600));
}

/**
 * SQLite counts for each connection what the others committed, and not what it did itself (pragma
 * data_version).
 */
function watchChanges(database: DatabaseSync) {
  const version = database.prepare("pragma data_version");
  const opened = version.get()?.["data_version"];
  const timers = new Set<NodeJS.Timeout>();
  return {
    watch(onChange: () => void): () => void {
      // Counted from opening: what changed while the gateway was starting is news as well.
      let seen = opened;
      const timer = setInterval(() => {
        const found = readVersion(version) ?? seen;
        if (found === seen) return;
        seen = found;
        onChange();
      }, watchInterval);
      timer.unref();
      timers.add(timer);
      return () => {
        clearInterval(timer);
        timers.delete(timer);
      };
    },
    stop(): void {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function readVersion(version: StatementSync): SQLOutputValue | undefined {
  try {
    return version.get()?.["data_version"];
  } catch {
    // Locked for this moment: the next look will tell.
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
