// The composition root: a configuration becomes the parts of a gateway, joined and ready to answer.
// `postern gateway`, `postern dev` and the tests all compose here: what is tested is what is
// served.
import { randomBytes as systemRandomBytes } from "node:crypto";
import { createRequestHandler, type RequestHandler } from "./access/handle-request.ts";
import { type ChangingCatalogSource, createCatalogSource } from "./catalog/catalog-source.ts";
import { type Clock, type Stopwatch, systemStopwatch } from "./clock.ts";
import type { Config } from "./config/load-config.ts";
import { createLogin, type Login } from "./login/create-login.ts";
import { createSendMail, heloNameOf, type SendMail } from "./login/mail.ts";
import { renderErrorPage } from "./login/pages/layout.ts";
import type { RelaySettings } from "./login/terminal/relay-settings.ts";
import type { RecordEvent } from "./observe/events.ts";
import { limitEvents } from "./observe/limit-events.ts";
import type { RandomBytes } from "./random.ts";
import { createSecretBox, type SecretBox } from "./secrets/secret-box.ts";
import { loadSecretKey, readSecretKeyFile } from "./secrets/secret-key-file.ts";
import { openStore } from "./storage/open-store.ts";
import type { Store } from "./storage/store.ts";
import { createTokens } from "./tokens/create-tokens.ts";
import type { GenerateKeyPair } from "./tokens/make-signing-key.ts";
import { createSessions } from "./tokens/sessions.ts";
import type { Sessions, Tokens } from "./tokens/tokens.ts";

export interface ComposeOptions {
  config: Config;
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
  config: Config;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  store: Store;
  secretBox: SecretBox;
  catalogs: ChangingCatalogSource;
  tokens: Tokens;
  sessions: Sessions;
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
export async function compose(options: ComposeOptions): Promise<Parts> {
  const { config, now = Date.now, elapsed = systemStopwatch } = options;
  const { randomBytes = systemRandomBytes } = options;
  const store = await openStore(config.store, randomBytes);
  try {
    const secretKey = options.secretKey ?? (await secretKeyFor(store, config, randomBytes));
    const secretBox = createSecretBox(secretKey, randomBytes);
    const record = limitEvents(options.record, elapsed);
    return await join({ ...options, record, now, elapsed, randomBytes, secretBox, store });
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface Foundation extends ComposeOptions {
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
  secretBox: SecretBox;
  store: Store;
}

async function join(foundation: Foundation): Promise<Parts> {
  const { config, record, now, elapsed, randomBytes, secretBox, store } = foundation;
  const catalogs = await createCatalogSource({
    store,
    secretBox,
    config,
    now,
    randomBytes,
    onRemoval: (objects) => record({ event: "objects_removed", objects }),
    onOverruling: (objects) => record({ event: "other_file_overruled", objects }),
  });
  const tokens = await createTokens({
    store,
    secretBox,
    catalogs,
    now,
    elapsed,
    randomBytes,
    organizationTag: await organizationTagIn(store, randomBytes),
    cachedSessions: config.limits.cached_sessions,
    generateKeyPair: foundation.generateKeyPair,
  });
  const sessions = createSessions({ store, tokens, now, randomBytes });
  const login = joinLogin(foundation, { catalogs, tokens, sessions });
  const handler = joinHandler(foundation, { catalogs, tokens, reserved: login.answer });
  return {
    config,
    record,
    now,
    elapsed,
    store,
    secretBox,
    catalogs,
    tokens,
    sessions,
    handler,
    transferChanged: login.transferChanged,
    releasePolls: login.releasePolls,
    checkProviders: () => login.checkProviders(catalogs.current()),
  };
}

function joinLogin(
  foundation: Foundation,
  parts: Pick<Parts, "catalogs" | "tokens" | "sessions">,
): Login {
  const { config, secretBox, store, record, now, elapsed, randomBytes } = foundation;
  return createLogin({
    ...parts,
    store,
    secretBox,
    sendMail: foundation.sendMail ?? configuredMail(config),
    mailRetryDelays: foundation.mailRetryDelays,
    announcePin: foundation.announcePin,
    relay: { mailboxesPerNetwork: config.limits.terminal_logins, ...foundation.relay },
    bodyTimeout: config.limits.body_timeout,
    record,
    now,
    elapsed,
    randomBytes,
  });
}

function joinHandler(
  { config, record, now, elapsed, randomBytes }: Foundation,
  parts: { catalogs: ChangingCatalogSource; tokens: Tokens; reserved: Login["answer"] },
): RequestHandler {
  return createRequestHandler({
    ...parts,
    renderErrorPage,
    scheme: config.tls === undefined ? "http" : "https",
    allowedPorts: allowedPorts(config),
    trustedProxies: config.trusted_proxies,
    bodyTimeout: config.limits.body_timeout,
    originConnections: config.limits.origin_connections,
    logRequests: config.log.requests,
    record,
    now,
    elapsed,
    randomBytes,
  });
}

/**
 * The secret key of a store: the configured file, which is made for a store that needs no old one.
 * @throws {Error} in one line, when it cannot be read or made
 */
export async function secretKeyFor(
  store: Store,
  { secret_key_file }: Config,
  randomBytes: RandomBytes,
): Promise<Buffer> {
  // Asked before the file is looked for: another process may be making both at this moment.
  const isSealed = (await store.keys.all()).length > 0;
  return isSealed
    ? readSecretKeyFile(secret_key_file)
    : loadSecretKey(secret_key_file, randomBytes);
}

/** The `aud` of team-domain tokens: 64 hex characters, made once for a store. */
export function organizationTagIn(store: Store, randomBytes: RandomBytes): Promise<string> {
  return store.settings.get("organization_tag", randomBytes(32).toString("hex"));
}

function configuredMail({ smtp, team_host }: Config): SendMail | undefined {
  if (smtp === undefined) return undefined;
  const { url, from, helo_name = heloNameOf(team_host), starttls } = smtp;
  return createSendMail({ url, from, heloName: helo_name, starttls });
}

/** The ports that a `Host` may name (wire-protocol 1). */
function allowedPorts({ listen, public_ports }: Config): ReadonlySet<number> {
  const listening = listen.flatMap((each) => (each.kind === "tcp" ? [each.port] : []));
  return new Set([...listening, ...public_ports]);
}
