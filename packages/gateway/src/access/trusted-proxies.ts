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
    if (!reading.ok) throw new Error(`not a network of trusted proxies: ${text}`);
    return reading.network;
  });
}

/** Why nobody can tell who the client is. `detail` is for the log. */
export interface ForwardingFault {
  ok: false;
  fault: "no_forwarded_for" | "bad_forwarding";
  detail: string;
}

export type ClientReading = { ok: true; client: Client } | ForwardingFault;

/**
 * The client behind the peer: the peer itself, or whom a trusted proxy names.
 * @param listening what holds for a client without a proxy
 */
export function readClient(
  listening: { scheme: "http" | "https"; trustedProxies: readonly Network[] },
  peer: string | undefined,
  headers: RequestHeaders,
): ClientReading {
  const { scheme, trustedProxies } = listening;
  // Who may write to a Unix socket is the file system's business: what listens there has a proxy in
  // front of it.
  if (peer !== undefined && !isTrusted(trustedProxies, peer))
    return { ok: true, client: { address: peer, scheme, host: headers.host } };

  // 1. The client, and its place among the hops.
  if (headers.forwardedFor.length === 0)
    return { ok: false, fault: "no_forwarded_for", detail: "X-Forwarded-For is missing" };
  const hops = listOf(headers.forwardedFor);
  const client = clientAmong(hops, trustedProxies);
  if (client === undefined) return badForwarding("X-Forwarded-For", headers.forwardedFor);

  // 2. How it came. Where the proxies disagree and none can be told to be the first, the client's
  // end of the list counts: a client that writes there fools itself alone.
  const protos = listOf(headers.forwardedProto);
  const proto = onOneLine(headers.forwardedProto)
    ? (saidAt(client.place, hops, protos) ?? protos[0])
    : saidByAll(protos);
  const clientScheme = protos.length === 0 ? scheme : schemes.get(proto?.toLowerCase() ?? "");
  if (clientScheme === undefined) return badForwarding("X-Forwarded-Proto", headers.forwardedProto);

  // 3. Whom it asked.
  if (headers.forwardedHost.length === 0)
    return { ok: true, client: { ...client, scheme: clientScheme, host: headers.host } };
  const defaultPort = clientScheme === "https" ? /:443$/ : /:80$/;
  const hosts = listOf(headers.forwardedHost).map((name) => name.replace(defaultPort, ""));
  const host = saidByAll(hosts) ?? saidAt(client.place, hops, hosts);
  if (host === undefined) return badForwarding("X-Forwarded-Host", headers.forwardedHost);
  return { ok: true, client: { ...client, scheme: clientScheme, host: [host] } };
}

/** What proxies call the scheme; some tell WebSockets apart, as Traefik does. */
const schemes: ReadonlyMap<string, "http" | "https"> = new Map([
  ["http", "http"],
  ["https", "https"],
  ["ws", "http"],
  ["wss", "https"],
]);

/** Characters of a header that the log gets. */
const loggedLength = 200;

function badForwarding(name: string, values: readonly string[]): ForwardingFault {
  const detail = `${name}: ${values.join(" | ")}`.slice(0, loggedLength);
  return { ok: false, fault: "bad_forwarding", detail };
}

/** The members of a list, however it was split into lines (RFC 9110 5.6.1). */
function listOf(values: readonly string[]): string[] {
  const [only = ""] = values;
  if (values.length === 1 && !only.includes(",")) return [only.trim()];
  return values.flatMap((value) => value.split(",")).map((member) => member.trim());
}

/** Two lines are of two proxies, or of a proxy and a client: nobody knows in which order. */
function onOneLine(values: readonly string[]): boolean {
  return values.length === 1;
}

/** The one value that every member has. */
function saidByAll(members: readonly string[]): string | undefined {
  const [first = "", ...others] = members;
  const isCommon = others.every((other) => other.toLowerCase() === first.toLowerCase());
  return isCommon ? first : undefined;
}

/** What was said of the client, where each hop added to both lists. */
function saidAt(
  place: number,
  hops: readonly string[],
  members: readonly string[],
): string | undefined {
  return members.length === hops.length ? members[place] : undefined;
}

/** The last address that no trusted proxy has; undefined when one is unreadable (case H5). */
function clientAmong(
  hops: readonly string[],
  trustedProxies: readonly Network[],
): { address: string; place: number } | undefined {
  for (let place = hops.length - 1; place >= 0; place--) {
    const address = canonicalAddress(withoutPort(hops[place] ?? ""));
    if (address === undefined) return undefined;
    if (place === 0 || !isTrusted(trustedProxies, address)) return { address, place };
  }
  return undefined;
}

/**
 * The address of a hop: `203.0.113.7:51234` and `[2001:db8::1]:443` are how load balancers of AWS
 * and Azure write it. An IPv6 address without brackets has no port.
 */
function withoutPort(hop: string): string {
  const [, bracketed, plain] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(hop) ?? [];
  return bracketed ?? plain ?? hop;
}

/** Whether an address is one of a trusted proxy. */
export function isTrusted(trustedProxies: readonly Network[], text: string): boolean {
  if (trustedProxies.length === 0) return false;
  const address = parseAddress(text);
  return address !== undefined && trustedProxies.some((network) => contains(network, address));
}
