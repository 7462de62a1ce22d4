// What a bastion may be asked to reach, as the file lists it: names, names below a name, and
// networks for addresses, each with its port.
import { parseAddress } from "../network.ts";
import { readHost, readTcpAddress } from "./tcp-address.ts";
import { isBareAddress, network, refuse, text } from "./values.ts";

/** One entry of the list. */
export type BastionDestination =
  /** this name alone, whatever addresses it has */
  | { kind: "name"; name: string; port: number }
  /** every name below this one, which begins with a dot */
  | { kind: "below"; suffix: string; port: number }
  /** addresses of this network, asked for as addresses */
  | { kind: "network"; network: string; port: number };

const example =
  "write host:port, *.host:port or network:port, like db.internal:5432 or 10.0.0.0/8:22";

/** Reads an entry. */
export const bastionDestination = text((source): BastionDestination => {
  const [, host = "", digits = ""] = /^(.+):([1-9]\d{0,4})$/s.exec(source) ?? [];
  const port = Number(digits);
  if (host === "" || port > 65_535) return refuse("is no host with a port", remedyFor(source));
  return entryFor(host, port) ?? refuse("is no host with a port", remedyFor(source));
});

function entryFor(host: string, port: number): BastionDestination | undefined {
  // 1. A network, `10.0.0.0/8` or `[2001:db8::]/32`.
  if (host.includes("/")) {
    const reading = network.safeParse(host.replace(/^\[(.*)\]\//, "$1/"));
    return reading.success ? { kind: "network", network: reading.data, port } : undefined;
  }

  // 2. Names below a name.
  if (host.startsWith("*.")) {
    const parent = readHost(host.slice(2).toLowerCase());
    const isName = parent !== undefined && parseAddress(parent) === undefined;
    return isName ? { kind: "below", suffix: `.${parent}`, port } : undefined;
  }

  // 3. An address is a network of its own, and everything else a name.
  const address = readTcpAddress(`${host}:${port}`);
  if (address === undefined) return undefined;
  if (parseAddress(address.host) === undefined) return { kind: "name", name: address.host, port };
  return { kind: "network", network: network.parse(address.host), port };
}

function remedyFor(source: string) {
  const isPortless = isBareAddress(source) && !source.includes(":") && !source.includes("/");
  return {
    own: isPortless ? `write ${source}:22, with the port that it listens on` : example,
    example,
  };
}
