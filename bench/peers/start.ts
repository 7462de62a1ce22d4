// Starts what the gateway is held against, each from its configuration in this folder: what
// forwards and decides nothing, and what lets a service decide or verifies the token itself.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PublicKey } from "../gateway.ts";
import { startNginx } from "../nginx.ts";
import { freePort, type Server, startServer } from "../process.ts";
import type { Stage } from "../stage.ts";
import type { Certificate } from "./certificate.ts";
import { fill } from "./fill.ts";

/** A server, and whatever takes part in its answers: their CPU and memory count. */
export interface Peer {
  port: number;
  pids: readonly number[];
}

/** Where requests go, and with what they are decided. */
export interface PeerSetting {
  origin: number;
  service: DecisionService;
  key: PublicKey;
}

export interface DecisionService {
  pid: number;
  port: number;
}

const modules = "/usr/lib/apache2/modules";
const serviceProgram = join(import.meta.dirname, "../decide-service.ts");

/** One for all who ask one; it shares the core of the proxies. */
export async function startDecisionService(stage: Stage): Promise<DecisionService> {
  const port = await freePort();
  const args = [serviceProgram, `${port}`];
  const starting = startServer("proxy", process.execPath, args, { ready: port });
  const { pid } = await stage.keep(starting);
  return { pid, port };
}

export interface BareOptions {
  /** further words of `listen`, such as `ssl http2` */
  listen?: string;
  certificate?: Certificate;
  workers?: number;
  /** without the buffers that make large answers cheaper */
  isAsItComes?: boolean;
}

export async function startBareNginx(
  stage: Stage,
  origin: number,
  { listen = "", certificate, workers = 1, isAsItComes = false }: BareOptions = {},
): Promise<Peer> {
  const port = await freePort();
  const tls = certificate === undefined ? "" : tlsOf(certificate);
  const buffers = isAsItComes ? "" : largeBuffers();
  const http = fill("nginx-bare.conf", { port, origin, listen, tls, buffers });
  const nginx = startNginx("proxy", stage.folder, `nginx-${port}`, http, { workers });
  return peer(port, await stage.keep(nginx));
}

function largeBuffers(): string {
  return fill("nginx-buffers.conf", {});
}

function tlsOf({ certificate, key }: Certificate): string {
  return `ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
}

/** nginx that forwards upgrades, and nothing else. */
export async function startWebSocketNginx(stage: Stage, origin: number): Promise<Peer> {
  const port = await freePort();
  const http = fill("nginx-websocket.conf", { port, origin });
  return peer(port, await stage.keep(startNginx("proxy", stage.folder, `nginx-${port}`, http)));
}

/** What node:tls or node:http2 costs by itself, in a forwarder that looks at nothing. */
export async function startForwarder(
  stage: Stage,
  protocol: "tls" | "http2",
  origin: number,
  { certificate, key }: Certificate,
): Promise<Peer> {
  const port = await freePort();
  const program = join(import.meta.dirname, `../forwarders/${protocol}.ts`);
  const args = [program, `${port}`, `${origin}`, certificate, key];
  return peer(
    port,
    await stage.keep(startServer("proxy", process.execPath, args, { ready: port })),
  );
}

export interface AuthRequestOptions {
  isCached?: boolean;
  /** of the service; default: `/decide` */
  path?: string;
  /** further directives of the request to the service */
  directives?: string;
}

/** nginx that asks `service` about each request, or about each token once a minute. */
export async function startAuthRequest(
  stage: Stage,
  { origin, service }: Pick<PeerSetting, "origin" | "service">,
  { isCached = false, path = "/decide", directives = "" }: AuthRequestOptions = {},
): Promise<Peer> {
  const port = await freePort();
  const folder = join(stage.folder, `decisions-${port}`);
  const http = fill("nginx-auth-request.conf", {
    port,
    origin,
    service: service.port,
    decide: path,
    buffers: largeBuffers(),
    cache: isCached ? `proxy_cache_path ${folder} keys_zone=decisions:10m;` : "",
    decision: isCached ? cachedDecision : directives,
  });
  const nginx = startNginx("proxy", stage.folder, `nginx-${port}`, http);
  const { pids } = peer(port, await stage.keep(nginx));
  return { port, pids: [...pids, service.pid] };
}

const cachedDecision = `proxy_cache decisions;
    proxy_cache_key $cookie_CF_Authorization;
    proxy_cache_valid 204 1m;
    open_file_cache max=1000;`;

export async function startHaproxy(
  stage: Stage,
  { origin, key: { pem } }: PeerSetting,
): Promise<Peer> {
  const port = await freePort();
  const key = keyFile(stage, port, pem);
  const file = configurationFile(stage, `haproxy-${port}`, "haproxy-jwt.cfg", {
    port,
    origin,
    key,
  });
  const haproxy = startServer("proxy", "/usr/sbin/haproxy", ["-db", "-f", file], { ready: port });
  return peer(port, await stage.keep(haproxy));
}

export async function startCaddy(stage: Stage, { origin, service }: PeerSetting): Promise<Peer> {
  const port = await freePort();
  const values = { port, origin, service: service.port };
  const file = configurationFile(stage, `Caddyfile-${port}`, "Caddyfile", values);
  const { folder } = stage;
  const caddy = startServer("proxy", "caddy", ["run", "--adapter", "caddyfile", "--config", file], {
    ready: port,
    environment: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  const { pids } = peer(port, await stage.keep(caddy));
  return { port, pids: [...pids, service.pid] };
}

export async function startApache(
  stage: Stage,
  { origin, key: { kid, pem } }: PeerSetting,
): Promise<Peer> {
  const port = await freePort();
  const { folder } = stage;
  const user = process.getuid?.() === 0 ? "User www-data" : "";
  const key = keyFile(stage, port, pem);
  const values = { user, port, origin, folder, modules, kid, key };
  const file = configurationFile(stage, `apache-${port}`, "apache-openidc.conf", values);
  const args = ["-D", "FOREGROUND", "-f", file];
  const apache = startServer("proxy", "/usr/sbin/apache2", args, { ready: port });
  return peer(port, await stage.keep(apache));
}

function peer(port: number, { pid }: Server): Peer {
  return { port, pids: [pid] };
}

function keyFile({ folder }: Stage, port: number, pem: string): string {
  const file = join(folder, `key-${port}.pem`);
  writeFileSync(file, pem);
  return file;
}

/** @returns the path of the filled configuration */
function configurationFile(
  { folder }: Stage,
  name: string,
  template: string,
  values: Record<string, string | number>,
): string {
  const file = join(folder, name);
  writeFileSync(file, fill(template, values));
  return file;
}
