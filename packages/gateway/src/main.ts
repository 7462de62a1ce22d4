// What the command line starts: a gateway from a file, a gateway for development, and what is done
// to keys beside running gateways. The only reader of process.env.
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import {
  type CommandAnswer,
  listSessions as listOf,
  type RevocationWish,
  revokeSessions as revoke,
  type SessionListWish,
} from "./admin/session-commands.ts";
import type { AdminToken } from "./admin/tokens/admin-tokens.ts";
import { createToken, revokeToken, type TokenWish } from "./admin/tokens/token-commands.ts";
import { administer as runCommand } from "./administer.ts";
import type { CatalogSource } from "./catalog/catalog.ts";
import { readCatalog } from "./catalog/catalog-source.ts";
import { systemStopwatch } from "./clock.ts";
import type { CommandCall, Output } from "./command-call.ts";
import { organizationTagIn, secretKeyFor } from "./compose.ts";
import { checkConfig } from "./config/check-config.ts";
import { type ConfigFile, readConfigFile } from "./config/config-file.ts";
import type { Config } from "./config/load-config.ts";
import { filesOfConfig } from "./config/settled-text.ts";
import { ConfigurationCommands } from "./configuration-commands.ts";
import { DecisionCommands } from "./decision-commands.ts";
import { defined } from "./defined.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import type { RecordEvent } from "./observe/events.ts";
import { type Log, openLog } from "./observe/log.ts";
import { HangUps, Reload } from "./reload.ts";
import { isProxyName, renderProxy } from "./render/render-proxy.ts";
import { createSecretBox, type SecretBox } from "./secrets/secret-box.ts";
import { SshAuthorities } from "./ssh/authorities.ts";
import { findCertifying } from "./ssh/find-certifying.ts";
import { publicKeyLine } from "./ssh/public-key.ts";
import { openStore } from "./storage/open-store.ts";
import type { Store } from "./storage/store.ts";
import { createTokens } from "./tokens/create-tokens.ts";
import type { KeyRotation } from "./tokens/tokens.ts";
import { UsageError } from "./usage-error.ts";
import { watchFiles } from "./watch-files.ts";
import { limitYoungSpace } from "./young-space.ts";

export type { ComposeOptions } from "./compose.ts";
export { type DevOptions, runDev } from "./dev.ts";
export { type Gateway, startGateway } from "./gateway.ts";
export { type InitOptions, runInit } from "./init/run-init.ts";

/**
 * `postern gateway --config FILE`: serves until SIGTERM or SIGINT; SIGHUP or a change of the file
 * applies it.
 * @throws {ConfigError} when the file is wrong, with one line for each problem
 */
export async function runGateway(options: { config: string }): Promise<void> {
  limitYoungSpace();
  const hangUps = new HangUps();
  const source = sourceOf(options.config);
  const { config, warnings, fingerprint } = readConfigFile(source);
  const log = openLog({ ...config.log, plain: isPlain(process.env) });
  const { record } = log;
  for (const warning of warnings) record({ event: "configuration_warning", warning });
  const workers = config.workers === "auto" ? availableParallelism() : config.workers;
  const gateway = await start(config, workers, log);
  const reload = new Reload(source, { gateway, started: config, fingerprint, record });
  hangUps.handleWith(() => {
    gateway.reloadCertificates();
    reload.confirm();
  });
  const unwatch = watchFiles(
    () => filesOfConfig(source.file),
    () => reload.begin(),
    record,
  );
  // Before it says that it is up: whoever reads that may stop it at once.
  const stopped = ended();
  const { listen, auth_domain } = config;
  const several = workers > 1 ? workers : undefined;
  record({ event: "gateway_started", ...defined({ listen, auth_domain, workers: several }) });
  record({ event: "applications_listed", ...gateway.servedApplications() });
  // Nobody waits for it: a provider that is away does not keep the gateway from starting.
  void gateway.checkProviders();
  await stopped;
  record({ event: "gateway_ending" });
  cutWhenInterrupted(gateway, record);
  unwatch();
  hangUps.ignore();
  await gateway.close(config.limits.drain_timeout);
}

/** One process serves by itself; of several, this one keeps the others. */
async function start(config: Config, workers: number, log: Log): Promise<Gateway> {
  if (workers === 1) return startGateway({ config, record: log.record });
  const { startKeeper } = await import("./workers/keeper.ts");
  return startKeeper(config, workers, log);
}

/**
 * `postern gateway --check FILE`: says what is wrong with a file, and does nothing else.
 * @returns whether a gateway would start with it
 */
export async function checkGateway(options: CheckOptions): Promise<boolean> {
  const { ok, remarks, summary } = checkConfig(sourceOf(options.config));
  for (const remark of remarks) options.tell(remark);
  if (ok) options.print(summary);
  else options.tell(summary);
  return ok;
}

export interface CheckOptions {
  /** `-` is standard input */
  config: string;
  /** takes a line for standard error */
  tell(line: string): void;
  /** takes a line for standard output */
  print(line: string): void;
}

/**
 * `postern keys rotate --config FILE`: the published next key signs from now on; running gateways
 * notice.
 * @returns what has changed
 */
export function rotateKeys(options: { config: string }): Promise<KeyRotation> {
  return withStore(options.config, async ({ store, secretBox, catalogs }) => {
    const tokens = await createTokens({
      store,
      secretBox,
      catalogs,
      now: Date.now,
      elapsed: systemStopwatch,
      randomBytes,
      organizationTag: await organizationTagIn(store, randomBytes),
      // Nobody asks for descriptions here.
      limits: { take: () => false },
    });
    return tokens.rotateKeys();
  });
}

/**
 * `postern keys ssh --application NAME --config FILE`: what signs the application's SSH
 * certificates, made when there is nothing yet, or anew where that is asked for.
 * @returns a line for the file that `TrustedUserCAKeys` of sshd names
 * @throws {UsageError} when no application in effect has that name, or it signs no certificates
 */
export function showSshAuthority(options: {
  config: string;
  application: string;
  /** makes another one, which signs from now on */
  isReplaced: boolean;
}): Promise<string> {
  return withStore(options.config, async ({ store, secretBox, catalogs }) => {
    const application = findCertifying(catalogs.current().applications, options.application);
    const authorities = new SshAuthorities({
      store: store.sshAuthorities,
      secretBox,
      now: Date.now,
    });
    const { aud } = application;
    const authority = options.isReplaced ? authorities.replace(aud) : authorities.of(aud);
    const { publicKey } = await authority;
    return `${publicKeyLine(publicKey)} ${application.domains[0]}`;
  });
}

/**
 * `postern admin-token create NAME --config FILE`
 * @returns the token, which nobody can ask for again, and the account that it is for
 * @throws {UsageError} when a permission or an application is none
 */
function createAdminToken(
  options: { config: string } & TokenWish,
): Promise<{ secret: string; token: AdminToken; accountId: string }> {
  return withStore(options.config, (parts) => createToken(options, commandParts(parts)));
}

/** `postern admin-token list --config FILE`, in the order in which they were made. */
function listAdminTokens(options: { config: string }): Promise<AdminToken[]> {
  return withStore(options.config, async ({ store }) => {
    const tokens = await store.adminTokens.all();
    return tokens.map(({ hash: _, ...token }) => token);
  });
}

/**
 * `postern admin-token revoke TOKEN --config FILE`
 * @returns what is ended
 * @throws {UsageError} when no token, or more than one, is called so
 */
function revokeAdminToken(options: { config: string; token: string }): Promise<AdminToken> {
  return withStore(options.config, (parts) => revokeToken(options.token, commandParts(parts)));
}

/**
 * `postern sessions list --config FILE`
 * @throws {UsageError} when there is no such person, application or kind
 */
export function listSessions(
  options: { config: string } & SessionListWish,
): Promise<CommandAnswer> {
  return withStore(options.config, (parts) => listOf(options, commandParts(parts)));
}

/**
 * `postern sessions revoke ID --config FILE`
 * @returns what has ended
 * @throws {UsageError} when there is no such thing, or more than one
 */
export function revokeSessions(
  options: { config: string } & RevocationWish,
): Promise<{ json: object; text: string }> {
  return withStore(options.config, (parts) => revoke(options, commandParts(parts)));
}

function commandParts({ store, catalogs }: StoreInUse) {
  return { store, catalog: catalogs.current(), randomBytes, now: Date.now };
}

/**
 * `postern render PROXY --config FILE`: the configuration of a proxy that asks this gateway.
 * @throws {ConfigError} when the file is wrong
 * @throws {UsageError} when there is no such proxy, or an origin would get a credential
 */
export function renderProxyConfig(options: {
  config: string;
  /** nginx, caddy, haproxy, traefik or envoy */
  proxy: string;
  /** lets origins have credentials that the proxy cannot keep from them */
  acceptsCredential: boolean;
  /** what HAProxy loads: a file of the package */
  luaFile: string;
}): string {
  const { proxy, acceptsCredential, luaFile } = options;
  if (!isProxyName(proxy)) throw new UsageError(`there is no proxy ${JSON.stringify(proxy)}`);
  const { config } = readConfigFile(sourceOf(options.config));
  return renderProxy(config, proxy, { luaFile, acceptsCredential });
}

/** `postern access explain`, `diff` and `replay` (decision-commands.ts). */
const decisions = new DecisionCommands({
  readConfig: (file) => readConfigFile(sourceOf(file)).config,
  withStore,
  now: Date.now,
});
export const { explainAccess, explainRay } = decisions;

/**
 * The commands of administrators, as they were typed (administer.ts).
 * @returns the exit status
 * @throws {UsageError} when a command cannot be meant so
 */
export function administer(call: CommandCall, output: Output): Promise<number> {
  const environment = { ...process.env };
  return runCommand(call, output, {
    configuration: new ConfigurationCommands({
      environment,
      withStore,
      randomBytes,
      now: Date.now,
    }),
    decisions,
    tokens: { create: createAdminToken, list: listAdminTokens, revoke: revokeAdminToken },
  });
}

/** What a command works on beside the gateways that run. */
interface StoreInUse {
  config: Config;
  store: Store;
  secretBox: SecretBox;
  /** what is in effect: what the file says by now is for the gateway to apply */
  catalogs: CatalogSource;
}

/** Opens the store that a configuration names, and closes it afterwards. */
async function withStore<Result>(
  file: string,
  use: (parts: StoreInUse) => Promise<Result>,
): Promise<Result> {
  const { config } = readConfigFile(sourceOf(file));
  const store = await openStore(config.store, randomBytes);
  try {
    const secretBox = createSecretBox(await secretKeyFor(store, config, randomBytes), randomBytes);
    const catalogs = await readCatalog({ store, secretBox, config });
    return await use({ config, store, secretBox, catalogs });
  } finally {
    await store.close();
  }
}

/** Whether colours are not wanted (no-color.org), or not known. */
function isPlain({ NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  return (NO_COLOR ?? "") !== "" || TERM === "dumb";
}

function sourceOf(file: string): ConfigFile {
  return { file, environment: { ...process.env } };
}

/** A supervisor may signal every process of a group: of several SIGTERM the first one counts. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}

/** Signals that come with the first one are the same one, sent to each process of a group. */
const sameSignalMs = 2_000;
/** As shells say that SIGINT ended a program: 128 and the number of the signal. */
const interrupted = 130;

/** Lets somebody who does not want to wait end the gateway at once. */
function cutWhenInterrupted(gateway: Gateway, record: RecordEvent): void {
  const endingSince = performance.now();
  process.on("SIGINT", () => {
    if (performance.now() - endingSince < sameSignalMs) return;
    record({ event: "gateway_cut" });
    gateway.cut();
    setImmediate(() => process.exit(interrupted));
  });
}
