// The configuration of Envoy (docs/forward-auth/envoy.md): its HTTP ext_authz asks the gateway, and
// the route is chosen by the service that the answer names. A refusal is passed on as it is.

import { givenHeaders, withheldHeaders } from "./proxy-headers.ts";
import type { LentService, ProxyPlan } from "./proxy-plan.ts";
import { type YamlValue, yamlDocument } from "./yaml.ts";

const comment = `# Written by "postern render envoy": a static configuration. Write it anew when the configuration of
# the gateway changes.
`;

const typeOf = (name: string) => ({ "@type": `type.googleapis.com/envoy.${name}` });

/**
 * A bootstrap configuration.
 * @param acceptsCredential whether origins may get credentials that Envoy cannot take away
 */
export function renderEnvoy(plan: ProxyPlan, acceptsCredential: boolean): string {
  const manager = {
    ...typeOf("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "postern",
    use_remote_address: true,
    // The gateway decides about the address as it came, and the origin gets it so.
    normalize_path: false,
    merge_slashes: false,
    path_with_escaped_slashes_action: "KEEP_UNCHANGED",
    upgrade_configs: [{ upgrade_type: "websocket" }],
    route_config: { virtual_hosts: [ownHosts(plan), applications(plan)] },
    http_filters: [
      { name: "ext_authz", typed_config: question(plan, acceptsCredential) },
      { name: "router", typed_config: typeOf("extensions.filters.http.router.v3.Router") },
    ],
  };
  const listener = {
    name: "postern",
    address: socketAddress("0.0.0.0", plan.port),
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
  const clusters = [
    cluster("postern_gateway", tcpAddress(plan.gateway)),
    cluster("postern_decisions", tcpAddress(plan.decisions)),
    ...plan.services.map(({ name, address }) => cluster(name, addressOf(address))),
  ];
  return yamlDocument(comment, { static_resources: { listeners: [listener], clusters } });
}

function question({ services, decisions }: ProxyPlan, acceptsCredential: boolean): YamlValue {
  const names = services.map(({ name }) => name).join(" ");
  const givenNames = givenHeaders.filter(({ name, from }) => name === from).map(({ name }) => name);
  const exactly = (headers: readonly string[]) => ({
    patterns: headers.map((exact) => ({ exact })),
  });
  return {
    ...typeOf("extensions.filters.http.ext_authz.v3.ExtAuthz"),
    transport_api_version: "V3",
    failure_mode_allow: false,
    clear_route_cache: true,
    // All of them: what it is not shown, the gateway could not object to.
    allowed_headers: { patterns: [{ prefix: "" }] },
    http_service: {
      server_uri: { uri: `http://${decisions}`, cluster: "postern_decisions", timeout: "10s" },
      path_prefix: "/cdn-cgi/access/forward-auth/envoy",
      authorization_request: {
        headers_to_add: [
          { key: "x-access-services", value: names },
          { key: "x-access-login", value: "redirect" },
          { key: "x-access-accept", value: acceptsCredential ? "credential" : "nothing" },
        ],
      },
      authorization_response: {
        allowed_upstream_headers: exactly([...givenNames, "x-access-service", "x-access-host"]),
        allowed_client_headers: exactly([
          "location",
          "set-cookie",
          "content-type",
          "www-authenticate",
          "cache-control",
          "cf-ray",
          "cf-access-aud",
          "cf-access-domain",
          "cf-access-error",
        ]),
      },
    },
  };
}

const unasked = {
  "envoy.filters.http.ext_authz": {
    ...typeOf("extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"),
    disabled: true,
  },
};

const toGateway = { cluster: "postern_gateway", timeout: "0s" };

function ownHosts(plan: ProxyPlan): YamlValue {
  return {
    name: "own",
    domains: plan.ownHosts.flatMap((host) => domainsOf(plan, host)),
    typed_per_filter_config: unasked,
    routes: [{ match: { prefix: "/" }, route: toGateway }],
  };
}

function applications(plan: ProxyPlan): YamlValue {
  const own = (match: Record<string, YamlValue>) => ({
    match,
    route: toGateway,
    typed_per_filter_config: unasked,
  });
  const isThere = (name: string) => ({ name, present_match: true });
  return {
    name: "applications",
    domains: ["*"],
    request_headers_to_remove: [...withheldHeaders, "x-access-service", "x-access-host"],
    routes: [
      own({ prefix: "/cdn-cgi/access/" }),
      own({ prefix: "/", headers: [isThere("cf-access-metadata-request")] }),
      own({ prefix: "/", headers: [isThere("access-control-request-method")] }),
      own({ prefix: "/", query_parameters: [{ name: "cloudflared_token_check" }] }),
      ...plan.services.map(routeOf),
      // Before the answer, and where nothing fits it.
      { match: { prefix: "/" }, direct_response: { status: 503 } },
    ],
  };
}

function routeOf({ name }: LentService): YamlValue {
  return {
    match: {
      prefix: "/",
      headers: [{ name: "x-access-service", string_match: { exact: name } }],
    },
    route: { cluster: name, timeout: "0s", host_rewrite_header: "x-access-host" },
  };
}

/** Envoy compares the port of a `Host` as well. */
function domainsOf({ port }: ProxyPlan, host: string): string[] {
  return [host, `${host}:${port}`];
}

function cluster(name: string, address: YamlValue): YamlValue {
  return {
    name,
    type: "STRICT_DNS",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
}

function addressOf(address: LentService["address"]): YamlValue {
  if (address.kind === "unix") return { pipe: { path: address.path } };
  return socketAddress(address.host, address.port);
}

function tcpAddress(text: string): YamlValue {
  const mark = text.lastIndexOf(":");
  return socketAddress(text.slice(0, mark), Number(text.slice(mark + 1)));
}

function socketAddress(host: string, port: number): Record<string, YamlValue> {
  const address = host.replace(/^\[|\]$/g, "");
  return { socket_address: { address, port_value: port } };
}
