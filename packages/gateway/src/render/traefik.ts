// The dynamic configuration of Traefik (docs/forward-auth/traefik.md). Traefik chooses the service
// before it asks, and passes a refusal on as it is: each router tells the gateway which service it
// has chosen, and gets a decision for that one alone.
import { UsageError } from "../usage-error.ts";
import { givenHeaders, withheldHeaders } from "./proxy-headers.ts";
import type { LentService, ProxyPlan, Route } from "./proxy-plan.ts";
import { type YamlValue, yamlDocument } from "./yaml.ts";

const comment = `# Written by "postern render traefik": dynamic configuration for the file provider of Traefik 3. Write it
# anew when the configuration of the gateway changes.
`;

/**
 * A file of dynamic configuration.
 * @param acceptsCredential whether origins may get credentials that Traefik cannot take away
 * @throws {UsageError} when Traefik cannot choose as the gateway does
 */
export function renderTraefik(plan: ProxyPlan, acceptsCredential: boolean): string {
  const entryPoints = [plan.scheme === "https" ? "websecure" : "web"];
  const tls = plan.scheme === "https" ? { tls: {} } : {};
  const own = { entryPoints, service: "postern-gateway", priority: 1_000_000, ...tls };
  const routers: Record<string, YamlValue> = {
    "postern-own": { rule: anyOf(plan.ownHosts.map(hostRule)), ...own },
    "postern-answers": {
      rule: `(${anyOf(plan.applicationHosts.map(hostRule))}) && (${ownAnswers})`,
      ...own,
    },
  };
  plan.routes.forEach((route, index) => {
    routers[`postern-${index}`] = {
      rule: ruleOf(plan, route),
      entryPoints,
      priority: 1_000 + plan.routes.length - index,
      ...targetOf(route.service),
      ...tls,
    };
  });
  const http = {
    routers,
    middlewares: middlewaresOf(plan, acceptsCredential),
    services: servicesOf(plan),
  };
  return yamlDocument(comment, { http });
}

/** What the gateway answers itself on the hosts of applications. */
const ownAnswers = [
  "PathPrefix(`/cdn-cgi/access/`)",
  "HeaderRegexp(`Cf-Access-Metadata-Request`, `.`)",
  "Query(`cloudflared_token_check`, `true`)",
  "(Method(`OPTIONS`) && HeaderRegexp(`Access-Control-Request-Method`, `.`))",
].join(" || ");

function ruleOf({ applicationHosts }: ProxyPlan, { host, path }: Route): string {
  const hosts = host === undefined ? anyOf(applicationHosts.map(hostRule)) : hostRule(host);
  if (path === undefined) return hosts;
  // A path of letters, digits and ./_~- is itself in a rule and in every reading.
  if (!/^\/[\w./~-]*$/.test(path))
    throw new UsageError(
      `Traefik cannot choose by the path ${JSON.stringify(path)} as the gateway does; use a plain prefix, or a host for it`,
    );
  return `(${hosts}) && (Path(\`${path}\`) || PathPrefix(\`${path}/\`))`;
}

function targetOf(service: LentService | undefined): Record<string, YamlValue> {
  if (service === undefined) return { service: "postern-gateway" };
  const { name } = service;
  return { service: name, middlewares: [`${name}-question`, "postern-decision", "postern-strip"] };
}

function middlewaresOf(plan: ProxyPlan, acceptsCredential: boolean): Record<string, YamlValue> {
  const middlewares: Record<string, YamlValue> = {};
  for (const { name } of plan.services) {
    const customRequestHeaders = {
      "X-Access-Services": name,
      "X-Access-Login": "redirect",
      "X-Access-Accept": acceptsCredential ? "credential" : "nothing",
    };
    middlewares[`${name}-question`] = { headers: { customRequestHeaders } };
  }
  middlewares["postern-decision"] = {
    forwardAuth: {
      address: `http://${plan.decisions}/cdn-cgi/access/forward-auth/forwarded`,
      trustForwardHeader: false,
      // Traefik sets Host and X-Forwarded-* itself, after this.
      authResponseHeaders: givenHeaders
        .filter(({ name, from }) => name === from && !name.startsWith("x-forwarded-"))
        .map(({ name }) => name),
    },
  };
  const takenNames = withheldHeaders.filter((name) => !name.startsWith("x-forwarded-"));
  const names = [...takenNames, "x-access-services", "x-access-login", "x-access-accept"];
  const customRequestHeaders = Object.fromEntries(names.map((name) => [name, ""]));
  middlewares["postern-strip"] = { headers: { customRequestHeaders } };
  return middlewares;
}

function servicesOf({ gateway, services }: ProxyPlan): Record<string, YamlValue> {
  const serverOf = (url: string) => ({
    loadBalancer: { servers: [{ url }], passHostHeader: true },
  });
  const own: Record<string, YamlValue> = { "postern-gateway": serverOf(`http://${gateway}`) };
  for (const { name, address } of services) {
    if (address.kind === "unix")
      throw new UsageError(`Traefik reaches no Unix socket, and ${address.path} is one`);
    own[name] = serverOf(`http://${address.host}:${address.port}`);
  }
  return own;
}

function anyOf(rules: readonly string[]): string {
  return rules.join(" || ");
}

function hostRule(host: string): string {
  if (!host.includes("*")) return `Host(\`${host}\`)`;
  // As the gateway matches them: an asterisk at the beginning of a rule of ingress crosses dots.
  const pattern = host.replaceAll(".", "\\.").replaceAll("*", ".*");
  return `HostRegexp(\`^${pattern}$\`)`;
}
