// The composition root: a configuration becomes the parts of a gateway, joined and ready to answer.
// `postern gateway`, `postern dev` and the tests all compose here: what is tested is what is
// served.
import { randomBytes as systemRandomBytes } from "node:crypto";
import { createRequestHandler, type RequestHandler } from "./access/handle-request.ts";
import { innermostCause, ProviderFetchError } from "./bounded-fetch.ts";
import { adoptCatalog, type CatalogDeps, createCatalogSource } from "./catalog/catalog-source.ts";
import type { CatalogFrame, ChangingCatalogSource } from "./catalog/changing-catalog.ts";
import { type Clock, type Stopwatch, systemStopwatch } from "./clock.ts";
import type { Config } from "./config/load-config.ts";
import type { Settings } from "./config/read-settings.ts";
import { type CountryFile, openCountryFile } from "./geoip/country-file.ts";
import { createLogin, type Login } from "./login/create-login.ts";
import { createSendMail, heloNameOf, type SendMail } from "./login/mail.ts";
import { renderErrorPage } from "./login/pages/layout.ts";
import { answerRates } from "./login/providers/oidc.ts";
import { pinRates } from "./login/providers/pin-limits.ts";
import { mailboxLifeMs } from "./login/terminal/mailboxes.ts";
import { mailboxRates } from "./login/terminal/relay.ts";
import type { RelaySettings } from "./login/terminal/relay-settings.ts";
import { AccessLogFile } from "./observe/access-log-file.ts";
import { AccessLogWriter } from "./observe/access-log-writer.ts";
import { type GatewayEvent, isLogged, type RecordEvent } from "./observe/events.ts";
import { limitEvents } from "./observe/limit-events.ts";
import { GatewayMetrics } from "./observe/metrics/gateway-metrics.ts";
import { timedStore } from "./observe/metrics/timed-store.ts";
import { SpanExporter } from "./observe/traces/span-exporter.ts";
import type { RandomBytes } from "./random.ts";
import { createSecretBox, type SecretBox } from "./secrets/secret-box.ts";
import { openStore } from "./storage/open-store.ts";
import type { Store } from "./storage/store.ts";
import { organizationTagIn, secretKeyFor } from "./store-keys.ts";
import { OwnStrangerLimits, type StrangerLimits, type StrangerRates } from "./stranger-limits.ts";
import { createTokens } from "./tokens/create-tokens.ts";
import { descriptionRates } from "./tokens/describe.ts";
import type { GenerateKeyPair } from "./tokens/make-signing-key.ts";
import { ServiceTokenUses } from "./tokens/service-token-uses.ts";
import { createSessions } from "./tokens/sessions.ts";
import type { Sessions, Tokens } from "./tokens/tokens.ts";

export interface ComposeOptions extends Surroundings {
  config: Config;
}

/** What a worker is composed from: it reads neither the file nor the secret key's. */
export interface WorkerComposeOptions extends Surroundings {
  settings: Settings;
  /** what its keeper has in force */
  frame: CatalogFrame;
  secretKey: Buffer;
  /** counted by its keeper */
  limits: StrangerLimits;
}

/** What every gateway is composed from, beside its configuration. */
interface Surroundings {
  record: RecordEvent;
  /** default: the system's clock */
  now?: Clock;
  /** default: the system's stopwatch */
  elapsed?: Stopwatch;
  /** default: the system's cryptographic randomness */
  randomBytes?: RandomBytes;
  /** 32 bytes; undefined reads or makes the configured file */
  secretKey?: Buffer;
  /** makes the pairs that sign tokens; default: a new RSA pair of 2048 bits each time */
  generateKeyPair?: GenerateKeyPair;
  /** undefined uses the configured SMTP server, if there is one */
  sendMail?: SendMail;
  /** the pauses before a refused message is tried again, milliseconds; default where absent */
  mailRetryDelays?: readonly number[];
  /** shows a PIN to the person at the gateway's terminal: `postern dev` alone */
  announcePin?: (email: string, pin: string) => void;
  /** times and limits of the relay; defaults where absent */
  relay?: Partial<RelaySettings>;
}

/** The parts of one gateway. They share the clock, the store and the catalog. */
export interface Parts {
  config: Settings;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
  store: Store;
  /** what this process adds to the access log */
  accessLog: AccessLogWriter;
  /** undefined where no listener shows them */
  metrics: GatewayMetrics | undefined;
  /** undefined where nothing is traced */
  traces: Traces | undefined;
  secretBox: SecretBox;
  /** 32 bytes, for workers */
  secretKey: Buffer;
  limits: StrangerLimits;
  catalogs: ChangingCatalogSource;
  countries: Pick<CountryFile, "close">;
  tokens: Tokens;
  sessions: Sessions;
  uses: ServiceTokenUses;
  handler: RequestHandler;
  /**
   * Wakes whoever waits in this process for a mailbox that another one changed; without an id,
   * everybody who waits.
   */
  transferChanged(id?: string): void;
  /** Answers the terminals that wait, so that they poll again. */
  releasePolls(): void;
  /** as Gateway says */
  checkProviders(): Promise<void>;
}

/**
 * Opens the store and makes the parts. Nothing listens yet; `listen` does that.
 * @throws {Error} when the store or the secret key cannot be used
 */
export function compose(options: ComposeOptions): Promise<Parts> {
  const { config, elapsed = systemStopwatch } = options;
  const { mailboxesPerNetwork = config.limits.terminal_logins } = options.relay ?? {};
  const limits = new OwnStrangerLimits(elapsed, strangerRates(mailboxesPerNetwork));
  return composeWith({ ...options, settings: config, limits }, (deps, record) =>
    createCatalogSource({
      ...deps,
      config,
      onRemoval: (objects) => record({ event: "objects_removed", objects }),
      onOverruling: (objects) => record({ event: "other_file_overruled", objects }),
    }),
  );
}

/**
 * Makes the parts of a worker, with the same store as its keeper.
 * @throws {Error} when the store cannot be used
 */
export function composeWorker(options: WorkerComposeOptions): Promise<Parts> {
  return composeWith(options, (deps) => adoptCatalog(deps, options.frame));
}

/** What strangers may cause. @param terminalLogins `limits.terminal_logins` */
export function strangerRates(terminalLogins: number): StrangerRates {
  return {
    work: {
      descriptions: descriptionRates,
      provider_answers: answerRates,
      pins: pinRates,
      mailboxes: mailboxRates(terminalLogins),
    },
    mailboxLifeMs,
  };
}

type MakeCatalogs = (deps: CatalogDeps, record: RecordEvent) => Promise<ChangingCatalogSource>;

type FoundationOptions = Surroundings & { settings: Settings; limits: StrangerLimits };

async function composeWith(options: FoundationOptions, makeCatalogs: MakeCatalogs): Promise<Parts> {
  const { settings, now = Date.now, elapsed = systemStopwatch } = options;
  const { randomBytes = systemRandomBytes } = options;
  const metrics = settings.admin === undefined ? undefined : new GatewayMetrics();
  const opened = await openStore(settings.store, randomBytes);
  const store = metrics === undefined ? opened : timedStore(opened, metrics, elapsed);
  const log = limitEvents(options.record, elapsed);
  const record: RecordEvent = (event) => {
    // What a worker tells its keeper was counted there.
    if (!("worker" in event)) metrics?.count(event);
    if (event.event === "access_decided") accessLog.take(event);
    else if (isLogged(event)) log(event);
  };
  const accessLog = openAccessLog(settings, { store, record, now, elapsed });
  const traces = openTraces(settings, { record, elapsed });
  const countries = openCountryFile(settings.geoip_file, record);
  try {
    const secretKey = options.secretKey ?? (await secretKeyFor(store, settings, randomBytes));
    const secretBox = createSecretBox(secretKey, randomBytes);
    const sources = { store, secretBox, now, randomBytes, countries: countries.current };
    const catalogs = await makeCatalogs(sources, record);
    countries.onChange(() => void catalogs.refresh([]).catch(() => undefined));
    const clocks = { now, elapsed };
    const keeping = { record, accessLog, metrics, traces, store, catalogs, countries };
    const own = { ...keeping, randomBytes, secretKey, secretBox };
    return await join({ ...options, ...clocks, ...own });
  } catch (error) {
    countries.close();
    await store.close();
    throw error;
  }
}

interface Foundation extends FoundationOptions {
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
  secretKey: Buffer;
  secretBox: SecretBox;
  store: Store;
  accessLog: AccessLogWriter;
  metrics: GatewayMetrics | undefined;
  traces: Traces | undefined;
  catalogs: ChangingCatalogSource;
  countries: CountryFile;
}

async function join(foundation: Foundation): Promise<Parts> {
  const { settings, record, now, elapsed, store, catalogs, limits } = foundation;
  const tokens = await createTokens({
    ...foundation,
    organizationTag: await organizationTagIn(store, foundation.randomBytes),
    cachedSessions: settings.limits.cached_sessions,
    onIssuerFailure: ({ issuer }, error) => record(issuerUnusable(issuer, error)),
  });
  const sessions = createSessions({ ...foundation, tokens });
  const uses = new ServiceTokenUses(store.tokenUses, now);
  const login = joinLogin(foundation, { tokens, sessions, uses });
  const handler = joinHandler(foundation, { catalogs, tokens, uses, reserved: login.answer });
  return {
    config: settings,
    record,
    now,
    elapsed,
    randomBytes: foundation.randomBytes,
    store,
    accessLog: foundation.accessLog,
    metrics: foundation.metrics,
    traces: foundation.traces,
    secretBox: foundation.secretBox,
    secretKey: foundation.secretKey,
    limits,
    catalogs,
    countries: foundation.countries,
    tokens,
    sessions,
    uses,
    handler,
    transferChanged: login.transferChanged,
    releasePolls: login.releasePolls,
    checkProviders: () => login.checkProviders(catalogs.current()),
  };
}

function issuerUnusable(issuer: string, error: unknown): GatewayEvent {
  const { message, code } = innermostCause(error);
  const url = error instanceof ProviderFetchError ? error.url : undefined;
  return { event: "issuer_unusable", issuer, url, detail: message || String(code) };
}

function joinLogin(
  foundation: Foundation,
  parts: { tokens: Tokens; sessions: Sessions; uses: ServiceTokenUses },
): Login {
  const { settings, mailRetryDelays, announcePin, relay } = foundation;
  return createLogin({
    ...foundation,
    ...parts,
    sendMail: foundation.sendMail ?? configuredMail(settings),
    mailRetryDelays,
    announcePin,
    relay,
    bodyTimeout: settings.limits.body_timeout,
  });
}

function joinHandler(
  { settings, store, metrics, traces, record, now, elapsed, randomBytes }: Foundation,
  parts: {
    catalogs: ChangingCatalogSource;
    tokens: Tokens;
    uses: ServiceTokenUses;
    reserved: Login["answer"];
  },
): RequestHandler {
  return createRequestHandler({
    ...parts,
    useCounts: store.useCounts,
    renderErrorPage,
    scheme: settings.tls === undefined ? "http" : "https",
    allowedPorts: allowedPorts(settings),
    trustedProxies: settings.trusted_proxies,
    decisionProxies: settings.forward_auth?.proxies ?? [],
    bodyTimeout: settings.limits.body_timeout,
    originConnections: settings.limits.origin_connections,
    logRequests: settings.log.requests === true,
    metrics,
    traces,
    keepsDecisions: settings.log.requests === "decisions",
    record,
    now,
    elapsed,
    randomBytes,
  });
}

interface Traces {
  exporter: SpanExporter;
  sampleRatio: number;
}

function openTraces(
  { otlp }: Settings,
  parts: Pick<Foundation, "record" | "elapsed">,
): Traces | undefined {
  if (otlp === undefined) return undefined;
  const { endpoint, headers, sample_ratio: sampleRatio } = otlp;
  return { exporter: new SpanExporter({ endpoint, headers, ...parts }), sampleRatio };
}

function openAccessLog(
  { log }: Settings,
  parts: Pick<Foundation, "record" | "now" | "elapsed"> & { store: Store },
): AccessLogWriter {
  const { export_file: file } = log;
  const onFault = (error: unknown) => {
    parts.record({ event: "access_log_export_failed", file: file ?? "", error: String(error) });
  };
  return new AccessLogWriter({
    ...parts,
    store: parts.store.accessLog,
    file: file === undefined ? undefined : new AccessLogFile(file, onFault),
  });
}

function configuredMail({ smtp, team_host }: Settings): SendMail | undefined {
  if (smtp === undefined) return undefined;
  const { url, from, helo_name = heloNameOf(team_host), starttls } = smtp;
  return createSendMail({ url, from, heloName: helo_name, starttls });
}

/** The ports that a `Host` may name (wire-protocol 1). */
function allowedPorts({ listen, public_ports }: Settings): ReadonlySet<number> {
  const listening = listen.flatMap((each) => (each.kind === "tcp" ? [each.port] : []));
  return new Set([...listening, ...public_ports]);
}
