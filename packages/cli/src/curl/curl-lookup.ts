// The network that a section of a curl command line asks for, for what is asked before curl runs:
// both must reach the same hosts. `-k` is never taken over.
import { isLoopbackHost, loopbackAddress } from "@postern/protocol/host";
import type { Network } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";
import { knownAddresses } from "../net/network.ts";
import { type CurlSection, hasOption, optionValues } from "./curl-section.ts";

/** Options that decide where curl connects to, in ways that are not known here. */
const elsewhere = [
  "abstract-unix-socket",
  "dns-interface",
  "dns-ipv4-addr",
  "dns-ipv6-addr",
  "dns-servers",
  "doh-url",
  "haproxy-clientip",
  "haproxy-protocol",
  "preproxy",
  "proxy-cert",
  "proxy-digest",
  "proxy-header",
  "proxy-key",
  "proxy-negotiate",
  "proxy-ntlm",
  "socks4",
  "socks4a",
  "socks5",
  "socks5-hostname",
];

/** Options that count for the look-up too, and whose values must therefore be readable. */
const shared = [
  "cacert",
  "capath",
  "connect-to",
  "interface",
  "noproxy",
  "proxy",
  "proxy-cacert",
  "proxy-capath",
  "proxy-user",
  "proxy1.0",
  "resolve",
  "unix-socket",
];

const expanded = [...shared, ...elsewhere].map((name) => `expand-${name}`);

/** Options that may let curl through where nothing else gets. */
const curlOnly = ["cert", "ciphers", "insecure", "key", "proxy-insecure", "tls13-ciphers"];

/** The network of the section's own options; those of `.curlrc` and of `-K` files among them. */
export function networkOf(section: CurlSection): Network {
  const last = (...names: string[]) => optionValues(section, ...names).at(-1);
  const proxy = last("proxy", "proxy1.0");
  const isKnownProxy = proxy === undefined || !/^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i.test(proxy);
  const strangeProxy = isKnownProxy ? [] : ["proxy"];
  return {
    ...defined({
      proxy: proxy === undefined ? undefined : withProxyPort(proxy),
      proxyUser: last("proxy-user"),
      noProxy: last("noproxy"),
      interface: last("interface"),
      family: familyOf(section),
      socketPath: last("unix-socket"),
    }),
    resolve: optionValues(section, "resolve"),
    connectTo: optionValues(section, "connect-to"),
    authorities: [last("cacert"), last("proxy-cacert")].filter((file) => file !== undefined),
    authorityFolders: [last("capath"), last("proxy-capath")].filter((file) => file !== undefined),
    unknown: [...strangeProxy, ...namesIn(section, elsewhere), ...namesIn(section, expanded)],
    curlOnly: namesIn(section, curlOnly),
  };
}

function namesIn(section: CurlSection, names: readonly string[]): string[] {
  return names.filter((name) => hasOption(section, name));
}

/** The last of `-4` and `-6` counts. */
function familyOf(section: CurlSection): 4 | 6 | undefined {
  const options = [...section.implied, ...section.parts].flatMap((part) =>
    part.kind === "option" && /^ipv[46]$/.test(part.name) ? [part.name] : [],
  );
  const name = options.at(-1);
  if (name === undefined) return undefined;
  return name === "ipv4" ? 4 : 6;
}

/** curl asks a proxy at port 1080 where none is written, an https one at 443. */
function withProxyPort(proxy: string): string {
  if (proxy === "" || /:\d+\/?$/.test(proxy) || /^https:/i.test(proxy)) return proxy;
  return `${proxy.replace(/\/$/, "")}:1080`;
}

/**
 * Plain http stays on this machine, whatever leads its names elsewhere (wire-protocol 9).
 * @throws {CliError} usage
 */
export function refuseOpenWays(section: CurlSection, network: Network): void {
  for (const { app } of section.targets.values()) {
    if (app.protocol !== "http:") continue;
    const addresses = knownAddresses(new URL(app.origin), network);
    const staysHere = addresses?.every((address) => isLoopbackHost(address)) ?? false;
    if (staysHere) continue;
    throw new CliError(
      "usage",
      `${app.origin} is plain http, and --resolve or --connect-to would send the request to another machine, so others could read the token on the way; write it with https://`,
    );
  }
}

/** Whether the name needs no resolver, and no rule of the person's leads it elsewhere. */
export function needsLoopbackRule(hostname: string, port: number, network: Network): boolean {
  if (loopbackAddress(hostname) === undefined || !hostname.endsWith(".localhost")) return false;
  return !network.resolve.some((rule) =>
    [`${hostname}:${port}:`, `*:${port}:`].some((start) =>
      rule.replace(/^\+/, "").startsWith(start),
    ),
  );
}
