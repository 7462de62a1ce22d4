// One connection to a host, for who speaks over it himself: over the proxy, with the authorities
// and by the ways that hold for every request of this program (http-client.ts).
import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { trustedCertificates } from "./certificate-authorities.ts";
import { dialFor, refuseUnknown } from "./network.ts";
import { connectThrough, proxyFor } from "./proxy.ts";
import { requestTimeout } from "./request-timeout.ts";
import { startTls, type Trust } from "./start-tls.ts";
import { refuseUnsafe, unreachable } from "./unreachable.ts";

/** After this time in silence the system asks whether the other side is there (milliseconds). */
const keepAliveDelay = 15_000;

/**
 * A connection to the URL's host, with TLS where it is https.
 * @param protocols to offer, the best first (ALPN); `alpnProtocol` of the connection is the choice
 * @throws {CliError} unreachable | unverified | usage
 */
export async function connectTo(
  context: Context,
  url: URL,
  protocols: string[],
): Promise<Socket | TLSSocket> {
  refuseUnsafe(url);
  refuseUnknown(context.network);
  try {
    const socket = await open(context, url, protocols);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveDelay);
    return socket;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unreachable(url, error as NodeJS.ErrnoException);
  }
}

async function open(context: Context, url: URL, protocols: string[]): Promise<Socket> {
  const timeout = requestTimeout(context);
  if (url.protocol === "http:") return dial(context, url, timeout);
  const ca = trustedCertificates(context);
  const trust: Trust = { rejectUnauthorized: true, ca, ALPNProtocols: protocols };
  const proxy = proxyFor(context.environment, url, context.network);
  const socket =
    proxy === undefined
      ? await dial(context, url, timeout)
      : await connectThrough(
          proxy,
          url,
          timeout,
          { rejectUnauthorized: true, ca },
          context.network,
        );
  return startTls(socket, url, timeout, trust);
}

function dial(context: Context, url: URL, timeout: number): Promise<Socket> {
  const { socketPath, ...target } = dialFor(url, context.network);
  const way = socketPath === undefined ? target : { path: socketPath };
  return new Promise((resolve, reject) => {
    const socket = connect(way);
    socket.setTimeout(timeout, () => socket.destroy(new Error("no connection in time")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
