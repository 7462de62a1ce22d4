// Where a request goes: the first ingress rule that covers host and path, as in cloudflared. A
// `path` is a prefix on segment boundaries or a glob with `*`; never a regular expression of the
// user's, since it runs on each request.
import { compilePath } from "@postern/protocol";
import type { IngressService } from "../model/ingress-service.ts";
import type { IngressRule } from "../model/model.ts";
import { formatTcpAddress } from "../model/tcp-address.ts";
import type { PathReading } from "../path-readings.ts";
import { ReadPattern } from "../read-pattern.ts";
import { serviceName } from "./service-name.ts";

/** An ingress rule, ready for matching. */
export interface CompiledIngressRule extends IngressRule {
  /** as proxies know the service */
  serviceName: string;
  /** as one of an application's pattern: "" or with a slash before it, and none behind */
  pathPattern: string;
  coversHost(host: string): boolean;
  coversPath(path: string): boolean;
  /** the path as origins read it */
  readPattern: ReadPattern;
}

/** The rules by host: there may be one for each of a thousand applications. */
export class Ingress {
  /** in their order */
  readonly rules: readonly CompiledIngressRule[];
  /** those that name no single host */
  readonly #wide: readonly CompiledIngressRule[];
  /** host that a rule names → all that cover it; undefined until it is asked for */
  readonly #ofNamedHost = new Map<string, readonly CompiledIngressRule[] | undefined>();

  constructor(rules: readonly CompiledIngressRule[]) {
    this.rules = rules;
    this.#wide = rules.filter(({ hostname = "*" }) => hostname.startsWith("*"));
    for (const { hostname = "*" } of rules)
      if (!hostname.startsWith("*")) this.#ofNamedHost.set(hostname, undefined);
  }

  /** The rules that cover a host, in their order. @param host lower-case, no port */
  covering(host: string): readonly CompiledIngressRule[] {
    const known = this.#ofNamedHost.get(host);
    if (known !== undefined) return known;
    const isNamed = this.#ofNamedHost.has(host);
    const candidates = isNamed ? this.rules : this.#wide;
    const covering = candidates.filter(({ coversHost }) => coversHost(host));
    if (isNamed) this.#ofNamedHost.set(host, covering);
    return covering;
  }
}

/** Makes rules ready for matching, in their order. */
export function compileIngress(rules: readonly IngressRule[]): Ingress {
  const compiled = rules.map((rule) => {
    const path = patternPath(rule.path ?? "");
    return {
      ...rule,
      pathPattern: path,
      serviceName: serviceName(rule),
      coversHost: hostTest(rule.hostname ?? "*"),
      coversPath: compilePath(path),
      readPattern: new ReadPattern(path),
    };
  });
  return new Ingress(compiled);
}

/** The rule that takes a request. @param host lower-case, no port @param path canonical */
export function chooseService(
  ingress: Ingress,
  host: string,
  path: string,
): CompiledIngressRule | undefined {
  return ingress.covering(host).find(({ coversPath }) => coversPath(path));
}

/** A service as the configuration writes it: `http://10.0.0.5:3000`, `unix:/run/wiki.sock`. */
export function serviceText(service: IngressService): string {
  switch (service.kind) {
    case "http":
      return service.origin;
    case "unix":
      return `${service.tls ? "unix+tls" : "unix"}:${service.path}`;
    case "stream":
      return `${service.scheme}://${formatTcpAddress(service)}`;
    case "bastion":
      return service.kind;
    case "status":
      return `http_status:${service.status}`;
  }
}

/**
 * The rule that would take a request if its path were read so.
 * @param rules those that cover the host
 * @param text the path under the reading
 */
export function serviceUnder(
  rules: readonly CompiledIngressRule[],
  reading: PathReading,
  text: string,
): IngressRule | undefined {
  return rules.find(({ readPattern }) => readPattern.under(reading).covers(text));
}

function hostTest(hostname: string): (host: string) => boolean {
  if (hostname === "*") return () => true;
  if (!hostname.startsWith("*.")) return (host) => host === hostname;
  // Every level below the name, and not the name itself.
  const end = hostname.slice(1);
  return (host) => host.length > end.length && host.endsWith(end);
}

/** A path of a rule as one of an application's pattern: with a slash before it, and none behind. */
function patternPath(path: string): string {
  if (path === "" || path === "/") return "";
  const pattern = path.startsWith("/") ? path : `/${path}`;
  return pattern.endsWith("/") ? pattern.slice(0, -1) : pattern;
}
