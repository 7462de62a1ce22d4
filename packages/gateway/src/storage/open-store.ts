import type { RandomBytes } from "../random.ts";
import type { StoreAddress } from "../store-address.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store that `store` in the configuration names, making it when there is none.
 * @param randomBytes names this opening, so that its own changes are no news to it
 * @throws {Error} in one line, when it cannot be opened or belongs to a newer version
 */
export async function openStore(address: StoreAddress, randomBytes: RandomBytes): Promise<Store> {
  const origin = randomBytes(8).toString("hex");
  // Each way loads what it needs: the modules of a database take longer to load than its data.
  if (typeof address !== "string") {
    const { openPostgresStore } = await import("./postgres.ts");
    return openPostgresStore(address, origin);
  }
  // A file waits for the disk, in threads of its own. Memory waits for nothing, and tests open
  // hundreds.
  if (address === ":memory:") {
    const { openSqliteStore } = await import("./sqlite.ts");
    return openSqliteStore(address, origin);
  }
  const { openSqliteThreads } = await import("./sqlite-thread.ts");
  return openSqliteThreads(address, origin);
}
