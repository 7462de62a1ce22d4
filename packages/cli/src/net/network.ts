// How to reach hosts where something else than the environment says so: the options that a wrapped
// curl gets hold for what is asked before it as well. Their meaning is curl's (curl(1)).
import type { LookupFunction } from "node:net";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { loopbackAddress, withoutBrackets } from "@postern/protocol/host";
import { portOf } from "../app-url.ts";
import type { Network } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";

/** Where a connection goes. */
export interface Dial {
  host: string;
  port: number;
  socketPath?: string;
  localAddress?: string;
  family?: 4 | 6;
  lookup?: LookupFunction;
}

/** Where the connection for a URL goes; loopback names need no resolver (wire-protocol 9). */
export function dialFor(url: URL, network: Network | undefined): Dial {
  const urlTarget = { host: withoutBrackets(url.hostname), port: portOf(url) };
  const target = network === undefined ? urlTarget : connectTarget(network.connectTo, urlTarget);
  const addresses = addressesOf(target, network?.resolve ?? []);
  const { socketPath, family } = network ?? {};
  const localAddress = localAddressOf(network);
  const [onlyAddress] = addresses ?? [];
  if (onlyAddress !== undefined && addresses?.length === 1)
    return { host: onlyAddress, port: target.port, ...defined({ socketPath, localAddress }) };
  const lookup = addresses === undefined ? undefined : lookupOf(addresses);
  return { ...target, ...defined({ socketPath, localAddress, family, lookup }) };
}

/** Every address that the URL's connection may go to; undefined where a resolver must say it. */
export function knownAddresses(url: URL, network: Network): string[] | undefined {
  const urlTarget = { host: withoutBrackets(url.hostname), port: portOf(url) };
  return addressesOf(connectTarget(network.connectTo, urlTarget), network.resolve);
}

/** What a proxy is asked to connect to: the name, unless a rule leads elsewhere. */
export function tunnelAuthority(url: URL, network: Network | undefined): string {
  const urlTarget = { host: withoutBrackets(url.hostname), port: portOf(url) };
  const { host, port } = connectTarget(network?.connectTo ?? [], urlTarget);
  return addressFamily(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

interface Target {
  host: string;
  port: number;
}

function connectTarget(rules: readonly string[], urlTarget: Target): Target {
  for (const rule of rules) {
    const [host = "", port = "", otherHost = "", otherPort = ""] = splitRule(rule);
    const covers =
      (host === "" || withoutBrackets(host).toLowerCase() === urlTarget.host) &&
      (port === "" || Number(port) === urlTarget.port);
    if (!covers) continue;
    return {
      host: withoutBrackets(otherHost).toLowerCase() || urlTarget.host,
      port: Number(otherPort) || urlTarget.port,
    };
  }
  return urlTarget;
}

/** The parts between colons, but for those of an address in brackets. */
function splitRule(rule: string): string[] {
  return rule.split(/:(?![^[]*\])/);
}

function addressesOf({ host, port }: Target, rules: readonly string[]): string[] | undefined {
  if (addressFamily(host) !== 0) return [host];
  // A later rule wins, as in curl.
  for (const rule of [...rules].reverse()) {
    const [, name = "", rulePort, list = ""] =
      /^\+?([^:]*|\[[^\]]*\]):(\d+):(.*)$/s.exec(rule) ?? [];
    const covers = (name === "*" || name.toLowerCase() === host) && Number(rulePort) === port;
    if (covers) return list.split(",").map(withoutBrackets);
  }
  const loopback = loopbackAddress(host);
  return loopback === undefined ? undefined : [loopback];
}

/**
 * 4 or 6 for an address, 0 for a name. Most names show by their characters that they are none: Node
 * compiles its grammar of IPv6 when it is first asked, which takes longer than all else here.
 */
function addressFamily(host: string): number {
  const mayBeAddress = host.includes(":") || /^[\d.]+$/.test(host);
  return mayBeAddress ? isIP(host) : 0;
}

/** Answers with these addresses in place of a resolver. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: addressFamily(address) }));
  return (_, { all }, answer) => {
    const [first = { address: "", family: 0 }] = entries;
    if (all === true) answer(null, entries);
    else answer(null, first.address, first.family);
  };
}

function localAddressOf(network: Network | undefined): string | undefined {
  if (network?.interface === undefined) return undefined;
  const name = network.interface.replace(/^(?:if|host)!/, "");
  if (addressFamily(withoutBrackets(name)) !== 0) return withoutBrackets(name);
  const addresses = networkInterfaces()[name] ?? [];
  const wantedFamily = `IPv${network.family ?? 4}`;
  const match = addresses.find(({ family }) => family === wantedFamily) ?? addresses[0];
  if (match !== undefined) return match.address;
  throw new CliError(
    "usage",
    `--interface ${name.slice(0, 60)} is not an interface or address of this machine; it also applies to the requests made before curl runs`,
  );
}

/** @throws {CliError} usage, where an option leads to a network that only curl can reach */
export function refuseUnknown(network: Network | undefined): void {
  const [option] = network?.unknown ?? [];
  if (option === undefined) return;
  throw new CliError(
    "usage",
    `--${option} applies to curl alone, but the gateway must be reached over the same network before curl runs; use what applies to both: -x (an http or https proxy), -U, --noproxy, --resolve, --connect-to, --unix-socket, --interface, -4, -6, --cacert, --capath and the environment`,
  );
}
