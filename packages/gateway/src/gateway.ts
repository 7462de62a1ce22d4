// The composition root: configuration → store → parts → listeners. `postern gateway`, `postern dev`
// and the tests all start a gateway here, so that what is tested is what is served.
import { randomBytes } from "node:crypto";
import { createRequestHandler, type RequestHandler } from "./access/handle-request.ts";
import { createCatalogSource } from "./catalog/catalog-source.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/load-config.ts";
import { createListener, type Listener, redirectToHttps } from "./http/listeners.ts";
import type { SendMail } from "./login/dependencies.ts";
import { createSendMail } from "./login/mail.ts";
import { renderErrorPage } from "./login/pages/layout.ts";
import { createLogin } from "./login/routes.ts";
import type { Log } from "./observe/log.ts";
import { createSecretBox, loadSecretKey } from "./secrets/secret-box.ts";
import { openSqliteStore } from "./storage/sqlite.ts";
import type { Store } from "./storage/store.ts";
import { createTokens } from "./tokens/index.ts";
import { createSessions } from "./tokens/sessions.ts";
import type { SecretBox } from "./tokens/tokens.ts";

const sweepInterval = 5 * 60_000;
const keyAgeCheckInterval = 60 * 60_000;
const day = 24 * 60 * 60_000;

export interface GatewayOptions {
  config: Config;
  log: Log;
  now?: Clock;
  /** 32 bytes; undefined reads or makes the configured file */
  secretKey?: Buffer;
  /** undefined uses the configured SMTP server, if there is one */
  sendMail?: SendMail;
  /** shows a PIN to the person at the gateway's terminal: `postern dev` alone */
  announcePin?: (email: string, pin: string) => void;
}

export interface Gateway {
  /**
   * puts another configuration into force for the requests that come after; listeners stay as they
   * are
   */
  apply(config: Config): Promise<void>;
  rotateKeys(): Promise<void>;
  /** stops listening, lets requests in flight end within `graceMs`, closes the store */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts a gateway and resolves when it accepts connections.
 * @throws {Error} when an address is taken, or the store or the secret key cannot be used
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, now = Date.now } = options;
  const secretBox = createSecretBox(options.secretKey ?? loadSecretKey(config.secret_key_file));
  const store = openSqliteStore(config.store, { now });
  try {
    return await startGateway({ ...options, now, secretBox, store });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function startGateway(
  options: GatewayOptions & { now: Clock; secretBox: SecretBox; store: Store },
): Promise<Gateway> {
  const { config, log, now, secretBox, store } = options;
  const catalogs = await createCatalogSource({ store, secretBox, config, now });
  const organizationTag = await store.setting("organization_tag", () =>
    randomBytes(32).toString("hex"),
  );
  const tokens = await createTokens({ store, secretBox, catalogs, now, organizationTag });
  const sessions = createSessions({ store, tokens, now });
  const sendMail =
    options.sendMail ?? (config.smtp === undefined ? undefined : createSendMail(config.smtp));
  const login = createLogin({
    catalogs,
    store,
    tokens,
    sessions,
    secretBox,
    sendMail,
    announcePin: options.announcePin,
    log,
    now,
  });
  const handler = createRequestHandler({
    catalogs,
    tokens,
    reserved: login,
    renderErrorPage,
    scheme: config.tls === undefined ? "http" : "https",
    allowedPorts: allowedPorts(config),
    trustedProxies: config.trusted_proxies,
    bodyTimeout: config.limits.body_timeout,
    logRequests: config.log.requests,
    log,
    now,
  });
  const rotateWhenOld = async () => {
    const current = (await store.keys()).find((key) => key.state === "current");
    const age = now() - (current?.activated_at ?? now());
    if (age >= config.key_rotation_interval_days * day) await tokens.rotateKeys();
  };
  await rotateWhenOld();
  const listeners = await listen(config, handler, log);

  const complain = (what: string) => (error: unknown) => log.error({ error: String(error) }, what);
  const unwatch = store.watch(() => {
    tokens
      .refresh()
      .then(() => catalogs.refresh())
      .catch(complain("reading the changed store failed"));
  });
  const timers = [
    setInterval(
      () => store.sweep(now()).catch(complain("removing what has expired failed")),
      sweepInterval,
    ),
    setInterval(
      () => rotateWhenOld().catch(complain("rotating the signing key failed")),
      keyAgeCheckInterval,
    ),
  ];
  for (const timer of timers) timer.unref();

  return {
    apply: (next) => catalogs.apply(next),
    rotateKeys: () => tokens.rotateKeys(),
    async close(graceMs = 0) {
      for (const timer of timers) clearInterval(timer);
      unwatch();
      await Promise.all(listeners.map((listener) => listener.close(graceMs)));
      handler.close();
      await store.close();
    },
  };
}

/** @throws {Error} when an address is taken; then none is listened on */
async function listen(config: Config, handler: RequestHandler, log: Log): Promise<Listener[]> {
  const { limits, tls, redirect_http } = config;
  const listeners: Listener[] = [];
  try {
    for (const address of config.listen)
      listeners.push(await createListener({ listen: address, tls, handler, limits, log }));
    if (redirect_http !== undefined) {
      const toHttps = redirectToHttps(publicPort(config));
      listeners.push(
        await createListener({ listen: redirect_http, handler: toHttps, limits, log }),
      );
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close(0)));
    handler.close();
    throw error;
  }
}

/** The port that people see: the first of `public_ports`, else the first that is listened on. */
function publicPort({ public_ports, listen }: Config): number {
  const listening = listen.find((each) => each.kind === "tcp");
  return public_ports[0] ?? listening?.port ?? 443;
}

/** The ports that a `Host` may name (wire-protocol 1). */
function allowedPorts(config: Config): ReadonlySet<number> {
  const listening = config.listen.flatMap((each) => (each.kind === "tcp" ? [each.port] : []));
  return new Set([...listening, ...config.public_ports]);
}
