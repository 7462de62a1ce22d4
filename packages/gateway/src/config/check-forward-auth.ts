// Where proxies ask for decisions: on a listener that nobody else reaches, by addresses that the
// gateway can see.
import { isLoopbackHost } from "@postern/protocol";
import type { Report } from "../model/problem.ts";
import type { DecisionProxy } from "../model/proxy-dialect.ts";
import { contains, type Network, parseNetwork } from "../network.ts";
import type { ListenAddress } from "./values.ts";

/** The settings that must go together. */
interface ForwardAuthFields {
  listen: readonly ListenAddress[];
  redirect_http?: ListenAddress | undefined;
  trusted_proxies: readonly string[];
  forward_auth?: { listen: ListenAddress; proxies: readonly DecisionProxy[] } | undefined;
}

/** Reports a listener for decisions that is the public one, or that knows nobody. */
export function checkForwardAuth(fields: ForwardAuthFields, report: Report): void {
  const { forward_auth: own, listen: listeners, redirect_http } = fields;
  if (own === undefined) return;

  // 1. A listener of its own, that tells one proxy from another.
  const { listen, proxies } = own;
  if (listen.kind === "unix") {
    report.problem(
      ["forward_auth", "listen"],
      "must be host:port: on a Unix socket a proxy has no address by which it could be known",
    );
    return;
  }
  const others = redirect_http === undefined ? listeners : [...listeners, redirect_http];
  if (others.some((other) => isSameAddress(other, listen)))
    report.problem(["forward_auth", "listen"], "is listened on already; choose another port");
  if (!isLoopbackHost(listen.host))
    report.warning(
      ["forward_auth", "listen"],
      "takes people's credentials in clear from the proxies; keep it to a network that nobody else reads",
    );

  // 2. Proxies that may hand requests over as well.
  proxies.forEach(({ cidr }, index) => {
    const path = ["forward_auth", "proxies", index, "cidr"];
    if (cidr.endsWith("/0"))
      report.warning(path, "is every address there is; name the proxy's own");
    if (isTrusted(cidr, fields.trusted_proxies)) return;
    report.warning(
      path,
      "is not in trusted_proxies, so what this proxy hands over to the gateway seems to come from the proxy",
    );
  });
}

/** Whether what a proxy says of a client is believed where it hands a request over. */
export function isTrusted(cidr: string, trustedProxies: readonly string[]): boolean {
  const [network] = networkIn(cidr);
  if (network === undefined) return false;
  return trustedProxies.flatMap(networkIn).some((wider) => covers(wider, network));
}

/** Whether two listeners would be one. */
export function isSameAddress(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === "unix") return b.kind === "unix" && a.path === b.path;
  return b.kind === "tcp" && a.port === b.port && a.host === b.host;
}

function networkIn(text: string): Network[] {
  const reading = parseNetwork(text);
  return reading.ok ? [reading.network] : [];
}

function covers(wider: Network, narrower: Network): boolean {
  return wider.bits <= narrower.bits && contains(wider, narrower.base);
}
