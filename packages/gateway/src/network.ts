// Addresses and networks: the one reading of both for rules, trusted proxies, the configuration and
// everything that is counted by where it comes from. IPv4 inside IPv6 is IPv4 throughout.
import { isIP, isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** An address that was read. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network that was read: IPv4 inside IPv6 is IPv4. */
export interface Network {
  base: Address;
  /** length of the prefix */
  bits: number;
}

/** `wider_than_ipv4`: an IPv6 network that covers all IPv4 addresses inside IPv6, and others. */
export type NetworkFault = "no_network" | "wider_than_ipv4";

/** A network, or why the text is none. */
export type NetworkReading = { ok: true; network: Network } | { ok: false; fault: NetworkFault };

/**
 * Reads an address as everybody writes it: octal, hexadecimal and shortened IPv4 is none (case H5).
 * @returns undefined when the text is no address
 */
export function parseAddress(text: string): Address | undefined {
  // Node takes IPv4 in its canonical form alone, which needs no second reading.
  if (isIPv4(text)) return new ipaddr.IPv4(text.split(".").map(Number));
  if (!isIPv6(text) || !ipaddr.isValid(text)) return undefined;
  return ipaddr.process(text);
}

/** The canonical text of an address; undefined when the text is none. */
export function canonicalAddress(text: string): string | undefined {
  // Node takes IPv4 in its canonical form alone.
  return isIPv4(text) ? text : parseAddress(text)?.toString();
}

/** The canonical text of an address that a socket reports; dual-stack ones have IPv4 in IPv6. */
export function canonicalPeer(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

/** Reads `192.0.2.0/24`, `2001:db8::/32`, or one address as a network of its own. */
export function parseNetwork(text: string): NetworkReading {
  const [address = "", length, ...more] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  const isLength = length === undefined || /^\d{1,3}$/.test(length);
  if (family === 0 || !isLength || more.length > 0) return { ok: false, fault: "no_network" };

  const longest = family === 4 ? 32 : 128;
  const bits = length === undefined ? longest : Number(length);
  if (bits > longest) return { ok: false, fault: "no_network" };

  const base = ipaddr.parse(address);
  if (!(base instanceof ipaddr.IPv6) || !base.isIPv4MappedAddress())
    return { ok: true, network: { base, bits } };
  if (bits < 96) return { ok: false, fault: "wider_than_ipv4" };
  return { ok: true, network: { base: base.toIPv4Address(), bits: bits - 96 } };
}

/** `192.0.2.0/24`: the canonical text of a network. */
export function formatNetwork({ base, bits }: Network): string {
  return `${base}/${bits}`;
}

/** Whether the address lies in the network; never when one is IPv4 and the other IPv6. */
export function contains({ base, bits }: Network, address: Address): boolean {
  if (base.kind() !== address.kind()) return false;
  return address.match(base as ipaddr.IPv4 & ipaddr.IPv6, bits);
}

/**
 * What is counted and compared of an address (wire-protocol 6.7): IPv4 as it is, IPv6 by /64, since
 * privacy extensions change the rest of it within minutes. Other text stands for itself.
 */
export function networkOf(address: string): string {
  if (isIPv4(address)) return address;
  const parsed = parseAddress(address);
  if (parsed === undefined) return address;
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  // Both loopback addresses are this machine: a name below `.localhost` may lead to either.
  if (parsed.range() === "loopback") return "127.0.0.1";
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/64`)}/64`;
}

/**
 * What one customer of a provider commonly has of IPv6: the /48 around a /64. Budgets look at both,
 * since whoever has a /48 has 65,536 networks.
 * @param network networkOf(address)
 * @returns `network` itself where it is no IPv6 network
 */
export function siteOf(network: string): string {
  if (!network.endsWith("/64")) return network;
  const [address = ""] = network.split("/", 1);
  if (!ipaddr.IPv6.isValid(address)) return network;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/48`)}/48`;
}

/** Whether two addresses are one place, as far as an address can say. */
export function sameNetwork(a: string, b: string): boolean {
  return networkOf(a) === networkOf(b);
}
