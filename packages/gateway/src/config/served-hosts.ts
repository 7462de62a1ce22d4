// Applications and ingress rules that do not meet: an application whose host no rule sends to an
// origin answers with a bare status, and a rule whose host no application covers is never reached.
// Wildcards are compared generously, so that no warning is wrong.
import type { IngressRule } from "../model/ingress-rule.ts";
import type { FieldPath, Report } from "../model/problem.ts";

/** An application, as far as this is about it. */
export interface ServedApplication {
  path: FieldPath;
  /** `host[/path]` patterns */
  domains: readonly string[];
}

/** Warns of them. @param rules as many as the file has */
export function warnOfUnservedHosts(
  applications: readonly ServedApplication[],
  rules: readonly IngressRule[],
  report: Report,
): void {
  const served = new HostSet();
  for (const { hostname, service } of rules)
    if (service.kind !== "status") served.add(hostname ?? "*");
  const protectedHosts = new HostSet();

  for (const { path, domains } of applications) {
    for (const host of new Set(domains.map(hostOf))) {
      protectedHosts.add(host);
      if (!served.meets(host)) report.warning(path, notServed, { remedy: ruleFor(host) });
    }
  }

  for (const [index, { hostname, service }] of rules.entries()) {
    if (hostname === undefined || service.kind === "status") continue;
    if (!protectedHosts.meets(hostname))
      report.warning(["ingress", index], notProtected, { remedy: applicationFor(hostname) });
  }
}

const notServed = "no ingress rule sends this host to an origin";

function ruleFor(host: string) {
  const rule = (hostname: string) =>
    `add {hostname: ${hostname}, service: "http://127.0.0.1:3000"} to ingress, with the origin's own address`;
  return { own: rule(ingressHost(host)), example: rule("app.example.com") };
}

/** Ingress knows `*.example.com` alone, which covers `api-*.example.com`. */
function ingressHost(host: string): string {
  return host.includes("*") ? JSON.stringify(`*.${suffixOf(host)}`) : host;
}

const notProtected = "no application covers this host, so every request to it is refused";

function applicationFor(hostname: string) {
  const remedy = (domain: string) =>
    `add an application with domain: ${domain}, or remove the rule`;
  const domain = hostname.includes("*") ? JSON.stringify(hostname) : hostname;
  return { own: remedy(domain), example: remedy("app.example.com") };
}

/** Hosts and wildcards, asked whether one meets another without going through all of them. */
class HostSet {
  readonly #hosts = new Set<string>();
  /** what stands behind the wildcard; "" for `*` */
  readonly #suffixes = new Set<string>();
  /** everything that a host or a wildcard of the set is below */
  readonly #parents = new Set<string>();

  add(host: string): void {
    if (host.includes("*")) this.#suffixes.add(suffixOf(host));
    else this.#hosts.add(host);
    for (const parent of parentsOf(host)) this.#parents.add(parent);
  }

  /** Whether some name is covered by the host and by the set. */
  meets(host: string): boolean {
    if (this.#hosts.has(host)) return true;
    if (host.includes("*") && this.#parents.has(suffixOf(host))) return true;
    return parentsOf(host).some((parent) => this.#suffixes.has(parent));
  }
}

/** `example.com`, `com` and "" for `api.example.com`, and for `*.example.com` as well. */
function parentsOf(host: string): string[] {
  const labels = host.includes("*") ? ["*", ...suffixOf(host).split(".")] : host.split(".");
  const parents = labels.slice(1).map((_label, index) => labels.slice(index + 1).join("."));
  return parents.includes("") ? parents : [...parents, ""];
}

/** What follows the last label with a wildcard. */
function suffixOf(host: string): string {
  const labels = host.split(".");
  const last = labels.findLastIndex((label) => label.includes("*"));
  return labels.slice(last + 1).join(".");
}

function hostOf(domain: string): string {
  return domain.split("/", 1)[0] ?? "";
}
