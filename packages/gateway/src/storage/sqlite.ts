// The store in SQLite, the default: one file, or memory for tests and `postern dev --ephemeral`.
// Several processes may have the same file open. What was confirmed is on the disk (WAL,
// synchronous=FULL).
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { Kysely } from "kysely";
import type { Clock } from "../clock.ts";
import { configurationRecords } from "./configuration-records.ts";
import { migrate } from "./migrate.ts";
import { busyTimeout, nodeSqliteDialect } from "./node-sqlite-dialect.ts";
import type { Schema } from "./schema.ts";
import { sessionRecords } from "./session-records.ts";
import { signInRecords } from "./sign-in-records.ts";
import type { Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** How soon another process's change is noticed, milliseconds. */
const watchInterval = 500;

/**
 * Opens the database, making it when there is none. Nothing is answered before its tables are up to
 * date: when they cannot be brought there, every method rejects and says why.
 * @param place ":memory:" or an absolute path
 * @throws {Error} when the file cannot be opened or made
 */
export function openSqliteStore(place: string, { now }: { now: Clock }): Store {
  const database = openDatabase(place);
  const db = new Kysely<Schema>({ dialect: nodeSqliteDialect(database) });
  const ready = migrate(db).then(
    () => db,
    (error: unknown) => {
      throw new Error(`the database ${place} cannot be used: ${messageOf(error)}`, {
        cause: error,
      });
    },
  );
  // Whoever asks the store hears of it; before somebody asks it is no crash.
  ready.catch(() => undefined);
  const changes = watchChanges(database);

  return {
    ...configurationRecords(ready),
    ...sessionRecords(ready),
    ...signInRecords(ready, now),
    sweep: async (at) => sweep(await ready, at),
    watch: changes.watch,
    async close() {
      changes.stop();
      await ready.catch(() => undefined);
      await db.destroy();
    },
  };
}

function openDatabase(place: string): DatabaseSync {
  try {
    if (place !== ":memory:") makePrivateFile(place);
    const database = new DatabaseSync(place, {
      timeout: busyTimeout,
      enableForeignKeyConstraints: true,
    });
    database.exec("pragma journal_mode = wal; pragma synchronous = full");
    // From here on, waiting is the dialect's.
    database.exec("pragma busy_timeout = 0");
    return database;
  } catch (error) {
    throw new Error(
      `the database ${place} cannot be opened: ${messageOf(error)}; check \`store\` in the configuration`,
      { cause: error },
    );
  }
}

/**
 * SQLite makes files that everybody may read; those beside it (-wal, -shm) take their mode from
 * this one.
 */
function makePrivateFile(place: string): void {
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
  closeSync(openSync(place, constants.O_RDWR | constants.O_CREAT, 0o600));
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
