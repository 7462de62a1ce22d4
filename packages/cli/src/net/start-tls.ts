// TLS on a connection that stands, or is being made.
import { isIP, type Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import { withoutBrackets } from "@postern/protocol/host";

/** What the other side must prove, and what may be spoken with it. */
export interface Trust {
  /** said always: NODE_TLS_REJECT_UNAUTHORIZED, set for some other program, must not count here */
  rejectUnauthorized: true;
  /** authorities, PEM texts */
  ca: string[];
  /** what to offer (ALPN, RFC 7301); nothing by default */
  ALPNProtocols?: string[];
}

/**
 * A TLS connection over one that stands.
 * @param target whose certificate it must be
 * @param timeout milliseconds
 */
export function startTls(
  socket: Socket,
  target: URL,
  timeout: number,
  trust: Trust,
): Promise<TLSSocket> {
  const host = withoutBrackets(target.hostname);
  // An address is no server name (RFC 6066 3); the certificate must hold it all the same.
  const name = isIP(host) === 0 ? { servername: host } : { host };
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ socket, ...name, ...trust });
    secured.setTimeout(timeout, () =>
      secured.destroy(new Error(`no TLS connection to ${target.host} in time`)),
    );
    secured.once("error", reject);
    secured.once("secureConnect", () => {
      secured.setTimeout(0);
      secured.off("error", reject);
      resolve(secured);
    });
  });
}
