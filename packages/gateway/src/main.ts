// What the command line starts: a gateway from a file, a gateway for development, a rotation of keys.
// The only reader of process.env.
import { randomBytes } from "node:crypto";
import { readFileSync, watch } from "node:fs";
import { createCatalogSource } from "./catalog-source.ts";
import { type Config, ConfigError, loadConfig } from "./config.ts";
import { createGateway } from "./gateway.ts";
import { createLog } from "./observe/log.ts";
import { openSqliteStore } from "./storage/sqlite.ts";
import { createTokens } from "./tokens/index.ts";
import { createSecretBox, loadSecretKey } from "./tokens/secret-box.ts";

export { type DevOptions, runDev } from "./dev.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";

/**
 * `postern gateway --config FILE`: serves until SIGTERM or SIGINT; SIGHUP or a change of the file applies it.
 * @throws {ConfigError} when the file is wrong, with one line for each problem
 */
export async function runGateway(options: { config: string }): Promise<void> {
  const file = options.config;
  const { config, warnings } = readConfig(file);
  const log = createLog(config.log.level);
  for (const warning of warnings) log.warn({}, warning);
  const gateway = await createGateway({ config, log });
  log.info({ listen: config.listen, auth_domain: config.auth_domain }, "the gateway is up");

  const reload = () => {
    try {
      const next = readConfig(file);
      for (const warning of next.warnings) log.warn({}, warning);
      gateway.apply(next.config).then(
        () => log.info({ file }, "the changed configuration is in force"),
        (error: unknown) =>
          log.error({ file, error: String(error) }, "the changed configuration was not applied; the one before stays in force"),
      );
    } catch (error) {
      log.error({ file, error: String(error) }, "the changed configuration is wrong; the one before stays in force");
    }
  };
  process.on("SIGHUP", reload);
  // Editors write in several steps, or replace the file: the folder is watched, and the last event counts.
  let pending: NodeJS.Timeout | undefined;
  const watcher = watch(file, { persistent: false }, () => {
    clearTimeout(pending);
    pending = setTimeout(reload, 200);
  });
  await ended();
  watcher.close();
  await gateway.close(10_000);
}

/** `postern keys rotate --config FILE`: the published next key signs from now on; running gateways notice. */
export async function rotateKeys(options: { config: string }): Promise<void> {
  const { config } = readConfig(options.config);
  const now = Date.now;
  const secretBox = createSecretBox(loadSecretKey(config.secret_key_file));
  const store = openSqliteStore(config.store, { now });
  try {
    const catalogs = await createCatalogSource({ store, secretBox, config, now });
    const organizationTag = await store.setting("organization_tag", () => randomBytes(32).toString("hex"));
    await (await createTokens({ store, secretBox, catalogs, now, organizationTag })).rotateKeys();
  } finally {
    await store.close();
  }
}

function readConfig(file: string): { config: Config; warnings: string[] } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); name the file with --config`);
  }
  return loadConfig({ text, file, environment: process.env });
}

function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}
