// A gateway that serves: composed parts behind listening sockets.
import { type ComposeOptions, compose, type Parts } from "./compose.ts";
import type { Config } from "./config/load-config.ts";
import { keepHouse, rotateWhenOld } from "./housekeeping.ts";
import { createListener, type Listener } from "./http/listeners.ts";
import { redirectToHttps } from "./http/redirect-to-https.ts";

export interface Gateway {
  /**
   * Puts another configuration into force for the requests that come after. Listeners stay as they
   * are.
   */
  apply(config: Config): Promise<void>;
  /** As `apply`, of a file of which `read` finds what has changed. */
  reload: Parts["catalogs"]["reload"];
  rotateKeys(): Promise<void>;
  /** stops listening, lets requests in flight end within `graceMs`, closes the store */
  close(graceMs?: number): Promise<void>;
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
    const listeners = await openListeners(parts);
    const stopHousekeeping = keepHouse(parts);
    return {
      apply: (config) => parts.catalogs.apply(config),
      reload: (read) => parts.catalogs.reload(read),
      rotateKeys: () => parts.tokens.rotateKeys(),
      async close(graceMs = 0) {
        stopHousekeeping();
        await Promise.all(listeners.map((listener) => listener.close(graceMs)));
        await closeParts(parts);
      },
    };
  } catch (error) {
    await closeParts(parts);
    throw error;
  }
}

/** Ends idle connections to origins and closes the store. */
async function closeParts({ handler, store }: Parts): Promise<void> {
  handler.close();
  await store.close();
}

/** @throws {Error} when an address is taken; then none is listened on */
async function openListeners({ config, handler: { handle }, record }: Parts): Promise<Listener[]> {
  const { limits, tls, redirect_http } = config;
  const listeners: Listener[] = [];
  try {
    for (const address of config.listen) {
      listeners.push(
        await createListener({ listen: address, tls, handler: handle, limits, record }),
      );
    }
    if (redirect_http !== undefined) {
      const toHttps = redirectToHttps(publicPort(config));
      listeners.push(
        await createListener({ listen: redirect_http, handler: toHttps, limits, record }),
      );
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close(0)));
    throw error;
  }
}

/** The port that people see: the first of `public_ports`, else the first that is listened on. */
function publicPort({ public_ports, listen }: Config): number {
  const listening = listen.find((each) => each.kind === "tcp");
  return public_ports[0] ?? listening?.port ?? 443;
}
