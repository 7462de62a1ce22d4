// Notices in SQLite that another process has changed the database, and reads what. When it cannot
// be read, that is told as well: who relies on hearing of ended sessions must not go on believing.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ChangeReader } from "./change-feed.ts";
import type { DatabaseFiles } from "./database-files.ts";
import { isBusy } from "./node-sqlite-dialect.ts";
import type { Database } from "./schema.ts";
import type { StoreChange } from "./store.ts";

/** How often the database is looked at, milliseconds. */
const interval = 100;

/**
 * SQLite counts for each connection what the others committed, and not what it did itself (pragma
 * data_version). A look costs microseconds; the feed is read only when the count has moved.
 */
export class VersionCounter {
  readonly #statement: StatementSync;

  constructor(database: DatabaseSync) {
    this.#statement = database.prepare("pragma data_version");
  }

  /**
   * Undefined when another process keeps the database locked for this moment.
   * @throws {Error} when the database cannot be read
   */
  read(): unknown {
    try {
      return this.#statement.get()?.["data_version"];
    } catch (error) {
      if (isBusy(error)) return undefined;
      throw error;
    }
  }
}

export interface WatchOptions {
  counter: VersionCounter;
  /** the count when everything in the feed up to the reader's place was no news */
  seenVersion: unknown;
  reader: ChangeReader;
  db: Database;
  /** undefined for a database in memory */
  files: DatabaseFiles | undefined;
}

/** @returns a function that ends it, and resolves when no look is under way any more */
export function watchChanges(
  { counter, seenVersion, reader, db, files }: WatchOptions,
  onChange: (changes: readonly StoreChange[]) => void,
): () => Promise<void> {
  let lastVersion = seenVersion;
  let look: Promise<void> | undefined;

  async function lookOnce(): Promise<void> {
    files?.check();
    // The count is read first: what is committed after that moves it again.
    const version = counter.read();
    if (version === undefined || version === lastVersion) return;
    const changes = await reader.read(db);
    lastVersion = version;
    if (changes.length > 0) onChange(changes);
  }

  const timer = setInterval(() => {
    look ??= lookOnce()
      // The next look reads again from the same place.
      .catch((error: unknown) => onChange([{ what: "unreadable", error: String(error) }]))
      .finally(() => {
        look = undefined;
      });
  }, interval);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await look;
  };
}
