// A gateway that serves: composed parts behind listening sockets.
import { setTimeout as wait } from "node:timers/promises";
import { isLoopbackHost } from "@postern/protocol";
import { createAdmin } from "./admin/create-admin.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { ChangingCatalogSource } from "./catalog/changing-catalog.ts";
import { isApplicationHost } from "./catalog/match-application.ts";
import { type ComposeOptions, compose, type Parts } from "./compose.ts";
import type { Config } from "./config/load-config.ts";
import type { Settings } from "./config/read-settings.ts";
import { followOthers } from "./follow-others.ts";
import { Health } from "./health.ts";
import { keepHouse, rotateWhenOld } from "./housekeeping.ts";
import { createListener, type Listener } from "./http/listeners.ts";
import { redirectToHttps } from "./http/redirect-to-https.ts";
import { healthFamily, serviceTokenFamily } from "./observe/metrics/gateway-families.ts";
import type { FamilySnapshot } from "./observe/metrics/registry.ts";
import type { Observation } from "./observe/observation.ts";
import { servedApplications } from "./served-applications.ts";

export interface Gateway {
  /**
   * Puts another configuration into force for the requests that come after. Listeners stay as they
   * are.
   */
  apply(config: Config): Promise<void>;
  /** As `apply`, of a file of which `read` finds what has changed. */
  reload: Parts["catalogs"]["reload"];
  /** as ChangingCatalogSource says */
  overruled: Parts["catalogs"]["overruled"];
  rotateKeys: Parts["tokens"]["rotateKeys"];
  /** What is served now, for whoever started it. */
  servedApplications(): ReturnType<typeof servedApplications>;
  /** Reads the certificates again; those in force stay where the files cannot be used. */
  reloadCertificates(): void;
  /**
   * Asks the identity providers in force how to speak with them, and logs those that cannot be
   * used. Never throws.
   */
  checkProviders(): Promise<void>;
  /**
   * Lets everybody who is connected have an answer that ends the connection, serves who comes
   * meanwhile, then stops listening and closes the store. After `graceMs` what is left is cut.
   */
  close(graceMs?: number): Promise<void>;
  /** Ends at once whatever else serves for it: the process is about to end. */
  cut(): void;
}

/** What answers requests: composed parts behind listening sockets. */
export interface Service extends Pick<Gateway, "reloadCertificates"> {
  /**
   * Ends as a gateway does, and closes the parts.
   * @param isLetIn whether who comes meanwhile is served; otherwise nobody is let in from now on
   */
  close(graceMs: number, isLetIn?: boolean): Promise<void>;
}

/**
 * Starts a gateway and resolves when it accepts connections.
 * @throws {Error} when an address is taken, or the store or the secret key cannot be used
 */
export async function startGateway(options: ComposeOptions): Promise<Gateway> {
  return listen(await compose(options));
}

/**
 * Lets composed parts accept connections, and keeps house meanwhile. Takes the parts over: closing
 * the gateway closes them, and so does a failure.
 * @throws {Error} when an address is taken, or the signing key cannot be rotated
 */
export async function listen(parts: Parts): Promise<Gateway> {
  try {
    await rotateWhenOld(parts);
  } catch (error) {
    await closeParts(parts);
    throw error;
  }
  const service = await serve(parts, followOthers(parts));
  const admin = await serveAdminOrClose(parts, service);
  const stopHousekeeping = keepHouse(parts);
  return {
    apply: (config) => parts.catalogs.apply(config),
    reload: (read, approve) => parts.catalogs.reload(read, approve),
    overruled: () => parts.catalogs.overruled(),
    rotateKeys: () => parts.tokens.rotateKeys(),
    servedApplications: () => servedApplications(parts.catalogs.current()),
    reloadCertificates() {
      service.reloadCertificates();
      admin?.reloadCertificates();
    },
    checkProviders: () => parts.checkProviders(),
    async close(graceMs = 0) {
      await admin?.close(0);
      await service.close(graceMs);
      stopHousekeeping();
    },
    cut: () => undefined,
  };
}

async function serveAdminOrClose(parts: Parts, service: Service): Promise<Listener | undefined> {
  try {
    return await serveAdmin(parts, {
      edit: (propose) => parts.catalogs.edit(propose),
      families: async () => familiesOf(parts),
    });
  } catch (error) {
    await service.close(0, false);
    throw error;
  }
}

/** What this process counted. */
export function familiesOf(parts: Parts): FamilySnapshot[] {
  const { metrics, handler, accessLog, tokens, traces, store } = parts;
  if (metrics === undefined) return [];
  const { openStreams, decisionCache } = handler.readings();
  return metrics.snapshot({
    openStreams,
    rows: accessLog.readings(),
    spans: traces?.exporter.readings(),
    caches: { decision: decisionCache, ...tokens.cacheReadings() },
    isStoreReached: tokens.storeContact === "kept",
    lastChange: store.lastChange?.(),
  });
}

/**
 * Opens the listener of the admin API, where one is configured. A gateway has one, however many
 * processes serve.
 * @param processes `edit` puts a change into force, in all of them; `families`: what they counted
 * @throws {Error} when the address is taken
 */
export async function serveAdmin(
  parts: Parts,
  processes: Pick<ChangingCatalogSource, "edit"> & Pick<Observation, "families">,
): Promise<Listener | undefined> {
  const { admin, limits, tls, http1_transport: transport } = parts.config;
  if (admin === undefined) return undefined;
  const { listen } = admin;
  const isOwnMachine = listen.kind === "unix" || isLoopbackHost(listen.host);
  const { edit } = processes;
  const health = new Health(parts);
  const families = async () => {
    const [counted, checks] = await Promise.all([processes.families(), health.check()]);
    const tokens = parts.catalogs.current().serviceTokenByClientId.values();
    return [...counted, healthFamily(checks), serviceTokenFamily(tokens)];
  };
  const observation = { families, health: () => health.check() };
  return createListener({
    listen,
    handler: await createAdmin({ ...parts, edit, observation }, listen),
    noteRefusal: parts.handler.noteRefusal,
    limits,
    transport,
    http2: false,
    record: parts.record,
    tls: isOwnMachine ? undefined : tls,
  });
}

/**
 * Lets composed parts accept connections, and takes them over, as `listen` does. Nobody keeps
 * house.
 * @param stopFollowing ends the following of other processes
 * @throws {Error} when an address is taken
 */
export async function serve(parts: Parts, stopFollowing: () => void): Promise<Service> {
  try {
    const listeners = await openListeners(parts);
    const stopFlushing = parts.uses.flushRegularly((error) =>
      parts.record({ event: "housekeeping_failed", task: "token_uses", error: String(error) }),
    );
    return {
      reloadCertificates() {
        for (const listener of listeners) listener.reloadCertificates();
      },
      async close(graceMs, isLetIn = true) {
        await closeListeners(listeners, parts, { graceMs, isLetIn });
        stopFollowing();
        stopFlushing();
        await closeParts(parts);
      },
    };
  } catch (error) {
    stopFollowing();
    await closeParts(parts);
    throw error;
  }
}

/** The end of the grace that is left for requests that came while others were waited for. */
const lastMs = 1_000;
/** How often terminals that wait are let go, once the gateway listens no more. */
const releaseMs = 100;

/** Ends the listeners so that a restart costs nobody a request, as far as one process can. */
async function closeListeners(
  listeners: readonly Listener[],
  { handler, releasePolls }: Parts,
  { graceMs, isLetIn }: { graceMs: number; isLetIn: boolean },
): Promise<void> {
  const end = performance.now() + graceMs;

  // 1. Who is connected is told with the next answer. Terminals that wait poll again. Streams go on
  // for as long as there is time for their end to arrive.
  const drained = Promise.all(listeners.map((listener) => listener.drain()));
  releasePolls();
  const endStreams = setTimeout(() => handler.endStreams(), Math.max(0, graceMs - lastMs));
  const enough = new AbortController();
  const patience = isLetIn ? Math.max(0, graceMs - lastMs) : 0;
  const timeout = wait(patience, undefined, { signal: enough.signal });
  await Promise.race([drained, timeout]);
  enough.abort();

  // 2. Nobody is left who was connected before, or it took too long: nobody else is let in.
  const graceLeft = Math.max(0, end - performance.now());
  const closed = Promise.all(listeners.map((listener) => listener.close(graceLeft)));
  const release = setInterval(releasePolls, releaseMs);
  await closed;
  clearTimeout(endStreams);
  clearInterval(release);
}

/** Ends idle connections to origins, stores what waits for that, and closes the store. */
export async function closeParts(parts: Parts): Promise<void> {
  const { accessLog, traces, countries, handler, uses, store } = parts;
  countries.close();
  handler.close();
  await Promise.all([accessLog.close(), traces?.exporter.close()]);
  // Nobody depends on it: a store that is away does not keep the gateway from ending.
  await uses.flush().catch(() => undefined);
  await store.close();
}

/** @throws {Error} when an address is taken; then none is listened on */
async function openListeners({
  config,
  catalogs,
  handler: { handle, handleForwardAuth, noteRefusal },
  record,
}: Parts): Promise<Listener[]> {
  const { limits, tls, http2, http1_transport: transport, redirect_http, forward_auth } = config;
  const listeners: Listener[] = [];
  try {
    for (const address of config.listen) {
      listeners.push(
        await createListener({
          listen: address,
          tls,
          handler: handle,
          noteRefusal,
          limits,
          transport,
          http2,
          record,
        }),
      );
    }
    if (redirect_http !== undefined) {
      const handler = redirectToHttps({
        httpsPort: publicPort(config),
        isServed: (host) => isServed(catalogs.current(), host),
        noteRefusal,
      });
      listeners.push(
        await createListener({
          listen: redirect_http,
          handler,
          noteRefusal,
          limits,
          transport,
          http2,
          record,
        }),
      );
    }
    if (forward_auth !== undefined) {
      listeners.push(
        await createListener({
          listen: forward_auth.listen,
          handler: handleForwardAuth,
          noteRefusal,
          limits,
          transport,
          http2: false,
          record,
        }),
      );
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close(0)));
    throw error;
  }
}

/** Whether the gateway answers for a host other than by saying that it is not its own. */
function isServed(catalog: Catalog, host: string): boolean {
  if (host === catalog.teamHost || catalog.relayHosts.has(host)) return true;
  return isApplicationHost(catalog, host);
}

/** The port that people see: the first of `public_ports`, else the first that is listened on. */
function publicPort({ public_ports, listen }: Settings): number {
  const listening = listen.find((each) => each.kind === "tcp");
  return public_ports[0] ?? listening?.port ?? 443;
}
