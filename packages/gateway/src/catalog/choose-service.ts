// Where a request goes: the first ingress rule that covers host and path, as in cloudflared. A
// `path` is a prefix on segment boundaries or a glob with `*`; never a regular expression of the
// user's, since it runs on each request.
import { pathGlob } from "@postern/protocol";
import type { IngressRule } from "../model/model.ts";

/** An ingress rule, ready for matching. */
export interface CompiledIngressRule extends IngressRule {
  coversHost(host: string): boolean;
  coversPath(path: string): boolean;
}

/** Makes rules ready for matching, in their order. */
export function compileIngress(rules: readonly IngressRule[]): CompiledIngressRule[] {
  return rules.map((rule) => ({
    ...rule,
    coversHost: hostTest(rule.hostname ?? "*"),
    coversPath: pathTest(rule.path ?? ""),
  }));
}

/** The rule that takes a request. @param host lower-case, no port @param path canonical */
export function chooseService(
  ingress: readonly CompiledIngressRule[],
  host: string,
  path: string,
): IngressRule | undefined {
  for (const rule of ingress) if (rule.coversHost(host) && rule.coversPath(path)) return rule;
  return undefined;
}

function hostTest(hostname: string): (host: string) => boolean {
  if (hostname === "*") return () => true;
  if (!hostname.startsWith("*.")) return (host) => host === hostname;
  // Every level below the name, and not the name itself.
  const end = hostname.slice(1);
  return (host) => host.length > end.length && host.endsWith(end);
}

function pathTest(path: string): (path: string) => boolean {
  if (path === "") return () => true;
  const pattern = path.startsWith("/") ? path : `/${path}`;
  return pathGlob(pattern.endsWith("/") ? pattern.slice(0, -1) : pattern);
}
