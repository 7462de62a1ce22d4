// What a command works on beside the gateways that run.
import type { CatalogSource } from "../catalog/catalog.ts";
import { readCatalog } from "../catalog/catalog-source.ts";
import { readConfigFile } from "../config/config-file.ts";
import type { Config } from "../config/load-config.ts";
import { createSecretBox, type SecretBox } from "../secrets/secret-box.ts";
import { openStore } from "../storage/open-store.ts";
import type { Store } from "../storage/store.ts";
import { secretKeyFor } from "../store-keys.ts";
import type { World } from "./command.ts";

/** A store, opened. */
export interface StoreInUse {
  config: Config;
  store: Store;
  secretBox: SecretBox;
  /** what is in effect: what the file says by now is for the gateway to apply */
  catalogs: CatalogSource;
}

/** @throws {ConfigError} when the file cannot be read, or is wrong */
export function readConfig(file: string, { environment }: Pick<World, "environment">): Config {
  return readConfigFile({ file, environment }).config;
}

/**
 * Opens the store that a configuration names, and closes it afterwards.
 * @throws {ConfigError} when the file cannot be read, or is wrong
 */
export async function withStore<Result>(
  file: string,
  world: Pick<World, "environment" | "randomBytes">,
  use: (parts: StoreInUse) => Promise<Result>,
): Promise<Result> {
  const { randomBytes } = world;
  const config = readConfig(file, world);
  const store = await openStore(config.store, randomBytes);
  try {
    const secretBox = createSecretBox(await secretKeyFor(store, config, randomBytes), randomBytes);
    const catalogs = await readCatalog({ store, secretBox, config });
    return await use({ config, store, secretBox, catalogs });
  } finally {
    await store.close();
  }
}
