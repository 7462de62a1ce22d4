// What the gateway is compared with. One worker each, keep-alive on both sides, no access log: as
// fast as a person who knows nginx would set it up.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Core, type Server, startServer } from "./process.ts";

const nginx = "/usr/sbin/nginx";

/** Static answers of 1 kB at `/1k` and 1 MB at `/1m`. */
export function startOrigin(folder: string, port: number): Promise<Server> {
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, "1k"), Buffer.alloc(1024, "x"));
  writeFileSync(join(files, "1m"), Buffer.alloc(1024 * 1024, "x"));
  return startNginx(
    "load",
    folder,
    "origin",
    `server { listen 127.0.0.1:${port}; root ${files}; sendfile on; open_file_cache max=10; }`,
  );
}

/** Forwards, and does nothing else. */
export function startBareProxy(folder: string, port: number, origin: number): Promise<Server> {
  return startNginx(
    "proxy",
    folder,
    "bare",
    `upstream origin { server 127.0.0.1:${origin}; keepalive 64; }
     server { listen 127.0.0.1:${port}; location / { ${forward("origin")} } }`,
  );
}

/**
 * Asks another service about every request before it forwards it. Nothing is cached: a decision is
 * made for each, as the gateway does.
 */
export function startAuthRequestProxy(
  folder: string,
  port: number,
  origin: number,
  service: number,
): Promise<Server> {
  return startNginx(
    "proxy",
    folder,
    "auth-request",
    `upstream origin { server 127.0.0.1:${origin}; keepalive 64; }
     upstream service { server 127.0.0.1:${service}; keepalive 64; }
     server {
       listen 127.0.0.1:${port};
       location / { auth_request /decide; ${forward("origin")} }
       location = /decide { internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; ${forward("service")} }
     }`,
  );
}

const forward = (upstream: string) =>
  `proxy_pass http://${upstream}; proxy_http_version 1.1; proxy_set_header Connection "";`;

// Started by root, nginx gives its worker to somebody who may not read the folder.
const user = process.getuid?.() === 0 ? "user root;" : "";

/**
 * @param name of its files in `folder`
 * @param http what stands in the `http` block
 * @param connections that its worker may have, both sides together
 */
export async function startNginx(
  core: Core,
  folder: string,
  name: string,
  http: string,
  connections = 1024,
): Promise<Server> {
  const file = join(folder, `${name}.conf`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${name}-${kind};`)
    .join(" ");
  writeFileSync(
    file,
    `${user} worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log stderr notice;
     events { worker_connections ${connections}; }
     http { access_log off; keepalive_requests 1000000000; ${temporary} ${http} }\n`,
  );
  // The notice "start worker processes" comes after the sockets are bound.
  return startServer(core, nginx, ["-e", "stderr", "-c", file], {
    ready: /start worker processes/,
  });
}
