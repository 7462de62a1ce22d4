// What the command line starts: a gateway from a file, a gateway for development, a rotation of
// keys. The only reader of process.env.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { readCatalog } from "./catalog/catalog-source.ts";
import { type Config, ConfigError, loadConfig } from "./config/load-config.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createSecretBox, loadSecretKey } from "./secrets/secret-box.ts";
import { openSqliteStore } from "./storage/sqlite.ts";
import { createTokens } from "./tokens/index.ts";
import { watchFiles } from "./watch-files.ts";

export { type DevOptions, runDev } from "./dev.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";

/** How long requests in flight may take when the gateway is told to end. */
const graceMs = 10_000;

/** What a running gateway does not change: its sockets, its files, its limits. */
const fixedAtStart = [
  "listen",
  "redirect_http",
  "public_ports",
  "tls",
  "trusted_proxies",
  "store",
  "secret_key_file",
  "smtp",
  "log",
  "limits",
  "key_rotation_interval_days",
] as const satisfies (keyof Config)[];

/**
 * `postern gateway --config FILE`: serves until SIGTERM or SIGINT; SIGHUP or a change of the file
 * applies it.
 * @throws {ConfigError} when the file is wrong, with one line for each problem
 */
export async function runGateway(options: { config: string }): Promise<void> {
  const file = options.config;
  const { config, warnings } = readConfig(file);
  const log = createLog(config.log.level);
  for (const warning of warnings) log.warn({}, warning);
  const gateway = await createGateway({ config, log });
  const reload = () => void applyFile(file, { gateway, started: config, log });
  process.on("SIGHUP", reload);
  const unwatch = watchFiles([file], reload, log);
  log.info({ listen: config.listen, auth_domain: config.auth_domain }, "the gateway is up");
  await ended();
  unwatch();
  process.off("SIGHUP", reload);
  await gateway.close(graceMs);
}

interface Running {
  gateway: Gateway;
  /** what it was started with */
  started: Config;
  log: Log;
}

/** Never throws: what cannot be put into force is logged, and changes nothing. */
async function applyFile(file: string, { gateway, started, log }: Running): Promise<void> {
  try {
    const { config, warnings } = readConfig(file);
    await gateway.apply(config);
    for (const warning of warnings) log.warn({}, warning);
    log.info({ file }, "the changed configuration is in force");
    const later = fixedAtStart.filter(
      (field) => JSON.stringify(config[field]) !== JSON.stringify(started[field]),
    );
    if (later.length > 0)
      log.warn({ fields: later }, "these fields take effect when the gateway is started again");
  } catch (error) {
    const problems = (error instanceof Error ? error.message : String(error)).split("\n");
    log.error(
      { file, problems },
      "the changed configuration was not applied; the one before stays in force",
    );
  }
}

/**
 * `postern keys rotate --config FILE`: the published next key signs from now on; running gateways
 * notice.
 */
export async function rotateKeys(options: { config: string }): Promise<void> {
  const { config } = readConfig(options.config);
  const now = Date.now;
  const secretBox = createSecretBox(loadSecretKey(config.secret_key_file));
  const store = openSqliteStore(config.store, { now });
  try {
    // What the file says by now is for the gateway to apply, in its own environment.
    const catalogs = await readCatalog({ store, secretBox, config });
    const organizationTag = await store.setting("organization_tag", () =>
      randomBytes(32).toString("hex"),
    );
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
    throw new ConfigError(
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); name the file with --config`,
    );
  }
  return loadConfig({ text, file, environment: process.env });
}

function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}
