import type { RandomBytes } from "../random.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store that `store` in the configuration names, making it when there is none.
 * @param location ":memory:" or an absolute path
 * @param randomBytes names this opening, so that its own changes are no news to it
 * @throws {Error} in one line, when it cannot be opened or belongs to a newer version
 */
export async function openStore(location: string, randomBytes: RandomBytes): Promise<Store> {
  const origin = randomBytes(8).toString("hex");
  // A file waits for the disk, in threads of its own. Memory waits for nothing, and tests open
  // hundreds. Each way loads what it needs: SQLite's modules take longer to load than the file.
  if (location === ":memory:") {
    const { openSqliteStore } = await import("./sqlite.ts");
    return openSqliteStore(location, origin);
  }
  const { openSqliteThreads } = await import("./sqlite-thread.ts");
  return openSqliteThreads(location, origin);
}
