import type { RandomBytes } from "../random.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store that `store` in the configuration names, making it when there is none.
 * @param location ":memory:" or an absolute path
 * @throws {Error} in one line, when it cannot be opened or belongs to a newer version
 */
export function openStore(location: string, randomBytes: RandomBytes): Promise<Store> {
  return openSqliteStore(location, randomBytes(8).toString("hex"));
}
