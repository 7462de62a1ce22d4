// What the command line starts: a gateway from a file, and a gateway for development. What is done
// beside gateways that run is in administer.ts.
import { availableParallelism } from "node:os";
import { checkConfig } from "./config/check-config.ts";
import { type ConfigFile, readConfigFile } from "./config/config-file.ts";
import type { Config } from "./config/load-config.ts";
import { filesOfConfig } from "./config/settled-text.ts";
import { defined } from "./defined.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import type { RecordEvent } from "./observe/events.ts";
import { type Log, openLog } from "./observe/log.ts";
import { HangUps, Reload } from "./reload.ts";
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
