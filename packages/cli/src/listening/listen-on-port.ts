// One port on several addresses of this machine: `localhost` is IPv4 to some programs and IPv6 to
// others, and whoever had the port on the other one would get what is meant for us.
import type { AddressInfo, Server } from "node:net";
import { CliError } from "../exit-status.ts";

/** A free port of one address may be taken on another: then the next free one is tried. */
const mostAttempts = 20;
/** What a machine without IPv6 says. */
const missingAddress = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"]);

/** What listens, and where. */
export interface Listening<S extends Server> {
  servers: S[];
  port: number;
}

/**
 * Listens on the port, on every address that this machine has.
 * @param wanted 0 for any port that is free
 * @throws {CliError} usage, where the port is taken
 */
export async function listenOnPort<S extends Server>(
  makeServer: () => S,
  addresses: readonly string[],
  wanted: number,
): Promise<Listening<S>> {
  let code = "";
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const outcome = await tryPort(makeServer, addresses, wanted);
    if (typeof outcome !== "string") return outcome;
    code = outcome;
    if (wanted !== 0 || code !== "EADDRINUSE") break;
  }
  const why = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`;
  throw new CliError(
    "usage",
    `port ${wanted} ${why}; choose another with --url localhost:PORT, or leave it out for a free one`,
  );
}

/** @returns why not, as the system's code */
async function tryPort<S extends Server>(
  makeServer: () => S,
  addresses: readonly string[],
  wanted: number,
): Promise<Listening<S> | string> {
  const servers: S[] = [];
  let port = wanted;
  for (const address of addresses) {
    const server = makeServer();
    const code = await listenAt(server, address, port);
    if (code === undefined) {
      servers.push(server);
      port = (server.address() as AddressInfo).port;
      continue;
    }
    if (servers.length > 0 && missingAddress.has(code)) continue;
    for (const each of servers) each.close();
    return code;
  }
  return { servers, port };
}

function listenAt(server: Server, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = ({ code = "" }: NodeJS.ErrnoException) => resolve(code);
    server.once("error", failed);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", failed);
      resolve(undefined);
    });
  });
}
