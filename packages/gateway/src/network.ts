// Whether two addresses are one place, as far as an address can say: IPv4 addresses as they are,
// IPv6 by /64, because privacy extensions change the rest of it within minutes (wire-protocol 6.7).
import ipaddr from "ipaddr.js";

/**
 * The network of a canonical address: what is counted and compared. Text that is no address stands
 * for itself.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  // Both loopback addresses are this machine: a name below `.localhost` may lead to either.
  if (parsed.kind() === "ipv6" && parsed.range() === "loopback") return "127.0.0.1";
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString()}/64`;
}

export function sameNetwork(a: string, b: string): boolean {
  return networkOf(a) === networkOf(b);
}
