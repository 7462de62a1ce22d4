// Where a bastion leads: what the client asks for, if the list of the rule has it. Names are
// compared with names and addresses with networks: a name that is listed may have any address, and
// a name that is not is never resolved.
import type { BastionDestination } from "../model/bastion-destination.ts";
import { readTcpAddress, type TcpAddress } from "../model/tcp-address.ts";
import { contains, type Network, parseAddress, parseNetwork } from "../network.ts";

/** What becomes of a destination that a client asks for. */
export type DestinationChoice =
  | { ok: true; address: TcpAddress }
  /** there is none, or several; it is not `host:port`; the list does not have it */
  | { ok: false; fault: "no_destination" | "bad_destination" | "unlisted_destination" };

/**
 * Chooses the destination of a connection through a bastion.
 * @param asked every value of `Cf-Access-Jump-Destination`
 * @param own addresses of this machine, in canonical text
 */
export function chooseDestination(
  list: readonly BastionDestination[],
  asked: readonly string[],
  own: readonly string[],
): DestinationChoice {
  const [text, ...more] = asked;
  if (text === undefined) return { ok: false, fault: "no_destination" };

  const address = more.length === 0 ? readTcpAddress(text) : undefined;
  if (address === undefined) return { ok: false, fault: "bad_destination" };

  const isListed = list.some((entry) => entry.port === address.port && covers(entry, address, own));
  return isListed ? { ok: true, address } : { ok: false, fault: "unlisted_destination" };
}

function covers(entry: BastionDestination, { host }: TcpAddress, own: readonly string[]): boolean {
  const address = parseAddress(host);
  switch (entry.kind) {
    case "name":
      return address === undefined && host === entry.name;
    case "below":
      return address === undefined && host.endsWith(entry.suffix);
    case "network":
      return address !== undefined && coversAddress(networkIn(entry.network), address, own);
  }
}

/**
 * Networks that mean something near: this machine, its links, the metadata service of its cloud,
 * and IPv4 addresses inside IPv6 ones. Nobody who lists a wide network thinks of them.
 */
const specialNetworks = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200",
  "192.0.0.192",
  "224.0.0.0/3",
  "::/96",
  "::ffff:0:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2001::/32",
  "2002::/16",
  "fd00:ec2::/32",
  "fe80::/10",
  "ff00::/8",
].map(networkIn);

/** An entry covers a special address where it lies in its special network: where it names it. */
function coversAddress(
  listed: Network,
  address: Exclude<ReturnType<typeof parseAddress>, undefined>,
  own: readonly string[],
): boolean {
  if (!contains(listed, address)) return false;
  return [...specialNetworks, ...own.map(networkIn)]
    .filter((special) => contains(special, address))
    .every((special) => listed.bits >= special.bits && contains(special, listed.base));
}

function networkIn(text: string): Network {
  const reading = parseNetwork(text);
  if (!reading.ok) throw new Error(`"${text}" is no network`);
  return reading.network;
}
