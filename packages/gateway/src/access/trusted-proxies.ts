// A proxy in front of the gateway says in X-Forwarded-* who the client is and what it asked for.
// Only proxies that the configuration names are believed (case H4), and what they say must have one
// meaning.
import type { RequestHeaders } from "../http/request-headers.ts";
import {
  canonicalAddress,
  contains,
  type Network,
  parseAddress,
  parseNetwork,
} from "../network.ts";

/** Who asks, as far as the network can say, and how the client wrote the gateway's address. */
export interface Client {
  /** canonical text */
  address: string;
  scheme: "http" | "https";
  /** values of `Host`, or of what a trusted proxy sends in its place */
  host: readonly string[];
}

/**
 * Reads the configured proxies.
 * @throws {Error} when one is no network: the configuration has no such value
 */
export function parseProxies(texts: readonly string[]): Network[] {
  return texts.map((text) => {
    const reading = parseNetwork(text);
    if (!reading.ok) throw new Error(`a trusted proxy is no network: ${text}`);
    return reading.network;
  });
}

/**
 * The client behind the peer: the peer itself, or whom a trusted proxy names.
 * @param listening what holds for a client without a proxy
 * @returns undefined when the proxy's headers contradict each other or cannot be read
 */
export function readClient(
  listening: { scheme: "http" | "https"; trustedProxies: readonly Network[] },
  peer: string | undefined,
  headers: RequestHeaders,
): Client | undefined {
  const { scheme, trustedProxies } = listening;
  // Who may write to a Unix socket is the file system's business: what listens there has a proxy in
  // front of it.
  if (peer !== undefined && !isTrusted(trustedProxies, peer))
    return { address: peer, scheme, host: headers.host };

  const { forwardedHost, forwardedProto } = headers;
  if (forwardedProto.length > 1 || forwardedHost.length > 1) return undefined;
  const clientScheme = forwardedProto[0]?.toLowerCase() ?? scheme;
  if (clientScheme !== "http" && clientScheme !== "https") return undefined;
  const address = forwardedAddress(headers.forwardedFor, trustedProxies);
  if (address === undefined) return undefined;
  const host = forwardedHost.length === 0 ? headers.host : forwardedHost;
  return { address, scheme: clientScheme, host };
}

/** The last address that no trusted proxy has; undefined when the list is unreadable (case H5). */
function forwardedAddress(
  forwardedFor: readonly string[],
  trustedProxies: readonly Network[],
): string | undefined {
  const hops = forwardedFor.flatMap((value) => value.split(","));
  for (let index = hops.length - 1; index >= 0; index--) {
    const hop = canonicalAddress(hops[index]?.trim() ?? "");
    if (hop === undefined) return undefined;
    if (index === 0 || !isTrusted(trustedProxies, hop)) return hop;
  }
  return undefined;
}

function isTrusted(trustedProxies: readonly Network[], text: string): boolean {
  if (trustedProxies.length === 0) return false;
  const address = parseAddress(text);
  return address !== undefined && trustedProxies.some((network) => contains(network, address));
}
