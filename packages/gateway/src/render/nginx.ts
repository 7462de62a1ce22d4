// The configuration of nginx (docs/forward-auth/nginx.md). nginx asks the gateway about each
// request (auth_request) and carries those that may pass to the service that the gateway names,
// byte for byte as they came. Everything else it hands over to the gateway's public listener.
import { givenHeaders, hiddenHeaders, withheldHeaders } from "./proxy-headers.ts";
import type { LentService, ProxyPlan } from "./proxy-plan.ts";

const decision = "/cdn-cgi/access/forward-auth/nginx";

/** Text for a file that `http { … }` includes. */
export function renderNginx(plan: ProxyPlan): string {
  return `# Written by "postern render nginx". Include it in http { … }, beside ssl_certificate and
# ssl_certificate_key, and write it anew when the configuration of the gateway changes.
# WebSockets alone: what goes on as something else (h2c) is out of sight.
map $http_upgrade $postern_upgrade {
  default "";
  "~*^websocket$" websocket;
}
map $postern_upgrade $postern_connection {
  default "";
  websocket upgrade;
}

upstream postern_decisions {
  server ${plan.decisions};
  keepalive 64;
}
upstream postern_gateway {
  server ${plan.gateway};
  keepalive 64;
}
${plan.services.map(upstreamOf).join("")}
# What the gateway answers alone: people sign in here, and terminals wait.
server {
${listening(plan)}
  server_name ${plan.ownHosts.map(serverName).join(" ")};
${ownWays}
  location / {
${toGateway}
  }
}

server {
${listening(plan)}
  server_name ${plan.applicationHosts.map(serverName).join(" ")};
${ownWays}
  proxy_headers_hash_max_size 2048;
  proxy_headers_hash_bucket_size 128;

  # The question. 401 and 403 are answers; everything else is a 500 to nginx. Each of them leads to
  # the gateway.
  location = ${decision} {
    internal;
    proxy_pass http://postern_decisions${decision};
    proxy_http_version 1.1;
    proxy_pass_request_body off;
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header Host postern;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Forwarded-For $remote_addr;
${serviceLines(plan.services).join("\n")}
    proxy_set_header X-Access-Accept "";
    # The answer repeats the request's cookies.
    proxy_buffer_size 64k;
    proxy_buffers 4 64k;
    proxy_busy_buffers_size 128k;
  }

  location / {
    auth_request ${decision};
    error_page 401 403 500 = @postern_gateway;
    auth_request_set $postern_service $upstream_http_x_access_service;
${givenHeaders.map(readGiven).join("\n")}

    # The address goes on as the client sent it: that is what the gateway decided about.
    proxy_pass http://$postern_service$request_uri;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $postern_upgrade;
    proxy_set_header Connection $postern_connection;
${givenHeaders.map(setGiven).join("\n")}
${withheldHeaders.map((name) => `    proxy_set_header ${name} "";`).join("\n")}
${hiddenHeaders.map((name) => `    proxy_hide_header ${name};`).join("\n")}
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1h;
  }

  location /cdn-cgi/access/ {
${toGateway}
  }
  location @postern_gateway {
${toGateway}
  }
}
`;
}

/**
 * What `http { … }` may have otherwise for other sites: a decision that is kept would be somebody
 * else's, and an answer with `X-Accel-Redirect` or a status of `error_page` would be asked for
 * again.
 */
const ownWays = `  client_max_body_size 0;
  proxy_cache off;
  proxy_ignore_headers X-Accel-Redirect;
  proxy_intercept_errors off;`;

const toGateway = `    proxy_pass http://postern_gateway;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $postern_upgrade;
    proxy_set_header Connection $postern_connection;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host "";
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1h;`;

function listening({ scheme, port }: ProxyPlan): string {
  if (scheme === "http") return `  listen 127.0.0.1:${port};`;
  return `  listen ${port} ssl http2;\n  listen [::]:${port} ssl http2;`;
}

/** nginx takes 4,096 characters in one value, and sends a header as often as it is set. */
const namesInLine = 100;

function serviceLines(services: readonly LentService[]): string[] {
  const lines: string[] = [];
  for (let first = 0; first === 0 || first < services.length; first += namesInLine) {
    const names = services.slice(first, first + namesInLine).map(({ name }) => name);
    lines.push(`    proxy_set_header X-Access-Services "${names.join(" ")}";`);
  }
  return lines;
}

function upstreamOf({ name, address }: LentService): string {
  const server =
    address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${address.port}`;
  return `upstream ${name} {\n  server ${server};\n  keepalive 64;\n}\n`;
}

/** What a table of names of nginx has room for, if nobody made it larger. */
const longestPlainName = 46;

/** nginx knows an asterisk in place of whole names alone; others are regular expressions. */
function serverName(host: string): string {
  if (!host.includes("*") && host.length <= longestPlainName) return host;
  const pattern = host.replaceAll(".", "\\.").replaceAll("*", "[^.]*");
  return `"~^${pattern}$"`;
}

function variableOf(name: string): string {
  return name.replaceAll("-", "_");
}

function readGiven({ from }: { from: string }): string {
  const variable = variableOf(from);
  return `    auth_request_set $postern_${variable} $upstream_http_${variable};`;
}

function setGiven({ name, from }: { name: string; from: string }): string {
  return `    proxy_set_header ${name} $postern_${variableOf(from)};`;
}
