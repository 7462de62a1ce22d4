// What the configuration of a proxy is written from: where the gateway listens, which hosts it
// serves, and which services the proxy reaches itself. Every text in it is safe to write into any
// proxy's configuration: what is not is refused here (case O10).
import { parsePattern } from "@postern/protocol";
import { serviceName } from "../catalog/service-name.ts";
import { isTrusted } from "../config/check-forward-auth.ts";
import type { Config } from "../config/load-config.ts";
import type { ListenAddress } from "../config/values.ts";
import type { IngressRule } from "../model/model.ts";
import type { ProxyDialect } from "../model/proxy-dialect.ts";
import { UsageError } from "../usage-error.ts";

/** A service that the proxy reaches without the gateway. */
export interface LentService {
  /** as the gateway names it in `X-Access-Service` */
  name: string;
  address: { kind: "tcp"; host: string; port: number } | { kind: "unix"; path: string };
}

/** What every proxy's configuration says. */
export interface ProxyPlan {
  /** of the addresses that people see */
  scheme: "http" | "https";
  port: number;
  /** the gateway's public listener and the one for proxies: `127.0.0.1:8600` */
  gateway: string;
  decisions: string;
  /** hosts that the gateway answers alone */
  ownHosts: readonly string[];
  /** host patterns of applications, lower-case, with `*` for letters between two dots */
  applicationHosts: readonly string[];
  services: readonly LentService[];
  /** where requests go, for a proxy that chooses before it asks; the first that fits counts */
  routes: readonly Route[];
  /** headers in which programs may send a credential of the gateway's, and the origin gets it */
  credentialHeaders: readonly string[];
}

/** One ingress rule. */
export interface Route {
  /** undefined: every host */
  host: string | undefined;
  /** a prefix on segment boundaries, or a glob with `*`; undefined: every path */
  path: string | undefined;
  /** undefined: the gateway carries it */
  service: LentService | undefined;
}

/**
 * Reads the plan off a configuration.
 * @throws {UsageError} when the configuration has no listener for such a proxy, or a text that no
 * proxy can be told safely
 */
export function planFor(config: Config, dialect: ProxyDialect): ProxyPlan {
  const { forward_auth: lending, tls, issuer, listen } = config;
  if (lending === undefined || !lending.proxies.some((each) => each.dialect === dialect))
    throw new UsageError(
      `the configuration has no proxy of this kind; add forward_auth: {listen: "127.0.0.1:8601", proxies: [{cidr: 127.0.0.1, dialect: ${dialect}}]}`,
    );
  if (tls !== undefined)
    throw new UsageError(
      "the gateway speaks TLS itself, where the proxy would have to; remove tls, and name the proxy in trusted_proxies",
    );
  const stranger = lending.proxies.find(
    ({ cidr, dialect: own }) => own === dialect && !isTrusted(cidr, config.trusted_proxies),
  );
  if (stranger !== undefined)
    throw new UsageError(
      `the proxy hands requests over to the gateway, which would not believe it; add ${stranger.cidr} to trusted_proxies`,
    );
  const [publicListener] = listen.flatMap((each) => (each.kind === "tcp" ? [each] : []));
  if (publicListener === undefined)
    throw new UsageError("the gateway listens on a Unix socket alone; add host:port to listen");

  const url = new URL(issuer);
  const isPlain = url.protocol === "http:";
  const hosts = config.applications.flatMap(({ domains }) =>
    domains.map((domain) => parsePattern(domain).host),
  );
  if (hosts.length === 0)
    throw new UsageError("the configuration has no applications, and so no host for the proxy");
  const ownHosts = [...new Set([config.team_host, ...config.relay_hosts])];
  const applicationHosts = [...new Set(hosts)].filter((host) => !ownHosts.includes(host));
  return {
    scheme: isPlain ? "http" : "https",
    port: Number(url.port) || standardPorts[url.protocol] || 443,
    gateway: addressOf(publicListener),
    decisions: addressOf(lending.listen),
    ownHosts: ownHosts.map(safeHost),
    applicationHosts: applicationHosts.map(safeHost).sort(),
    services: servicesOf(config.ingress),
    routes: config.ingress.map(routeOf),
    credentialHeaders: credentialHeadersOf(config),
  };
}

const standardPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Where a program on the same machine reaches a listener. */
function addressOf(listen: ListenAddress): string {
  if (listen.kind === "unix") throw new UsageError("forward_auth.listen must be host:port");
  const host = wholeMachine[listen.host] ?? listen.host;
  return host.includes(":") ? `[${host}]:${listen.port}` : `${safeHost(host)}:${listen.port}`;
}

/** Addresses to listen on that are none to connect to. */
const wholeMachine: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Each service once, whichever rules lead there. */
function servicesOf(rules: readonly IngressRule[]): LentService[] {
  const services = new Map<string, LentService>();
  for (const rule of rules) {
    const service = lentService(rule);
    if (service !== undefined) services.set(service.name, service);
  }
  return [...services.values()];
}

function routeOf(rule: IngressRule): Route {
  const { hostname, path } = rule;
  return {
    host: hostname === undefined || hostname === "*" ? undefined : safeHost(hostname),
    path,
    service: lentService(rule),
  };
}

function credentialHeadersOf({ applications }: Config): string[] {
  const names = applications.flatMap(({ read_service_tokens_from_header: name, accept_bearer }) => {
    const own = name === undefined ? [] : [name];
    return accept_bearer === true ? [...own, "Authorization"] : own;
  });
  return [...new Set(names)];
}

function lentService(rule: IngressRule): LentService | undefined {
  const address = lentAddress(rule);
  return address === undefined ? undefined : { name: serviceName(rule), address };
}

/**
 * Where a proxy finds a service; undefined for one that stays with the gateway, which has its
 * authorities, speaks HTTP/2 with it, or carries bytes to it.
 */
function lentAddress({ service, originRequest }: IngressRule): LentService["address"] | undefined {
  if (originRequest.http2Origin === true) return undefined;
  if (service.kind === "unix" && !service.tls)
    return { kind: "unix", path: safePath(service.path) };
  if (service.kind !== "http" || !service.origin.startsWith("http://")) return undefined;
  const { hostname, port } = new URL(service.origin);
  return { kind: "tcp", host: safeHost(hostname), port: Number(port) || 80 };
}

function safeHost(host: string): string {
  if (/^[a-z0-9*_.-]+$/i.test(host) || /^\[[0-9a-f:.]+\]$/i.test(host)) return host;
  throw new UsageError(`${JSON.stringify(host)} cannot be written into a proxy's configuration`);
}

function safePath(path: string): string {
  if (/^\/[\w./@+-]+$/.test(path)) return path;
  throw new UsageError(
    `${JSON.stringify(path)} cannot be written into a proxy's configuration; use a path of letters, digits and ./_@+-`,
  );
}
