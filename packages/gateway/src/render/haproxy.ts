// The configuration of HAProxy (docs/forward-auth/haproxy.md). A Lua file of ours asks the gateway;
// what it is told stands in variables, from which the request is made that the origin gets.
import { givenHeaders, hiddenHeaders, withheldHeaders } from "./proxy-headers.ts";
import type { LentService, ProxyPlan } from "./proxy-plan.ts";

/** Text for a file of its own. @param luaFile absolute */
export function renderHaproxy(plan: ProxyPlan, luaFile: string): string {
  const { scheme, gateway, decisions, ownHosts, services } = plan;
  const isAllowed = "if { var(txn.postern_service) -m found }";
  return `# Written by "postern render haproxy". Give it to HAProxy as a file of its own (-f), and write it anew
# when the configuration of the gateway changes.
global
  lua-load-per-thread ${wordOf(luaFile)}

frontend postern
  mode http
${bindLine(plan)}
  timeout client 120s
  http-request set-header x-forwarded-for %[src]
  http-request set-header x-forwarded-proto ${scheme}
  http-request del-header x-forwarded-host

  # The question. What the gateway answers alone is not asked about.
  acl postern_own path_beg /cdn-cgi/access/
${ownHosts.map((host) => `  acl postern_own req.hdr(host),host_only,lower ${host}`).join("\n")}
  http-request lua.postern ${decisions} unless postern_own

  # What the origin gets of a request that may pass. An address with scheme and host becomes its path,
  # which is what the gateway was asked about.
  http-request set-uri %[pathq] ${isAllowed}
${withheldHeaders.map((name) => `  http-request del-header ${name} ${isAllowed}`).join("\n")}
${givenHeaders.map(({ name, from }) => `  http-request set-header ${name} %[var(txn.postern_${variableOf(from)})] ${isAllowed}`).join("\n")}
  use_backend %[var(txn.postern_service)] ${isAllowed}
  default_backend postern_gateway

backend postern_gateway
  mode http
${timeouts}
  server gateway ${gateway}
${services.map(backendOf).join("")}`;
}

/** A terminal's poll is held for 50 seconds; a WebSocket that is silent for an hour is closed. */
const timeouts = `  timeout connect 5s
  timeout server 120s
  timeout tunnel 1h`;

function bindLine({ scheme, port }: ProxyPlan): string {
  if (scheme === "http") return `  bind 127.0.0.1:${port}`;
  return `  # Certificate and key in one file.\n  bind :${port} ssl crt /etc/haproxy/postern.pem alpn h2,http/1.1`;
}

function backendOf({ name, address }: LentService): string {
  const server =
    address.kind === "unix" ? `unix@${address.path}` : `${address.host}:${address.port}`;
  const hiddenLines = hiddenHeaders
    .map((header) => `  http-response del-header ${header}`)
    .join("\n");
  return `
backend ${name}
  mode http
${timeouts}
${hiddenLines}
  server origin ${server}
`;
}

function variableOf(name: string): string {
  return name.replaceAll("-", "_");
}

/** One word: between such quotes nothing has a meaning. */
function wordOf(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
