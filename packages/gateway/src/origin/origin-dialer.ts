// How to reach the service of an ingress rule: by TCP or a Unix socket, with or without TLS.
import { readFileSync } from "node:fs";
import { connect as connectTcp, isIP } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { loopbackAddress, withoutBrackets } from "@postern/protocol";
import type { IngressRule } from "../model/model.ts";
import type { Dial } from "./origin-connection.ts";

type Target = { path: string } | { host: string; port: number };

/** What is to be spoken over TLS (ALPN). Without TLS nothing is agreed. */
type Protocol = "http/1.1" | "h2";

/**
 * Makes the function that opens connections to a service. Certificates are read once, here.
 * @throws {Error} when the service speaks no HTTP, or its CA file cannot be read
 */
export function dialer(
  service: IngressRule["service"],
  options: IngressRule["originRequest"],
  protocol: Protocol = "http/1.1",
): Dial {
  switch (service.kind) {
    case "status":
    case "stream":
    case "bastion":
      throw new Error(`nothing at ${service.kind} speaks HTTP`);
    case "unix": {
      const target = { path: service.path };
      const tls = { target, hostname: "localhost", protocol };
      return service.tls ? tlsDial(tls, options) : plainDial(target, options);
    }
    case "http": {
      const url = new URL(service.origin);
      const target = tcpTarget(url);
      const tls = { target, hostname: url.hostname, protocol };
      return url.protocol === "https:" ? tlsDial(tls, options) : plainDial(target, options);
    }
  }
}

function plainDial(target: Target, { tcpKeepAlive }: IngressRule["originRequest"]): Dial {
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: tcpKeepAlive };
  const socketOptions = { ...target, ...keepAlive, noDelay: true };
  return (onread) =>
    connectTcp(onread === undefined ? socketOptions : { ...socketOptions, onread });
}

interface TlsTarget {
  target: Target;
  /** whom the certificate must name, unless the rule says another */
  hostname: string;
  protocol: Protocol;
}

function tlsDial(
  { target, hostname, protocol }: TlsTarget,
  options: IngressRule["originRequest"],
): Dial {
  const serverName = withoutBrackets(options.originServerName ?? hostname);
  const tls: ConnectionOptions = {
    ...target,
    rejectUnauthorized: options.noTLSVerify !== true,
    ALPNProtocols: [protocol],
  };
  // SNI names hosts and no addresses (RFC 6066 3).
  if (isIP(serverName) === 0) tls.servername = serverName;
  if (options.caPool !== undefined) tls.ca = readFileSync(options.caPool);
  return (onread) => {
    const socket = connectTls(tls).setNoDelay(true).setKeepAlive(true, options.tcpKeepAlive);
    if (onread !== undefined)
      socket.on("data", (chunk: Buffer) => onread.callback(chunk.length, chunk));
    return socket;
  };
}

function tcpTarget({ hostname, port, protocol }: URL): Target {
  const host = withoutBrackets(hostname);
  const standardPort = protocol === "https:" ? 443 : 80;
  return {
    host: loopbackAddress(host) ?? host,
    port: port === "" ? standardPort : Number(port),
  };
}
