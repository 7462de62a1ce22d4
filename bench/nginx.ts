// nginx in its three parts here: the origin, what forwards and does nothing else, and what asks a
// decision service. Each is as fast as a person who knows nginx would set it up.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fill } from "./peers/fill.ts";
import { type Core, type Server, startServer } from "./process.ts";

const nginx = "/usr/sbin/nginx";

export const kilobyte = 1_024;
export const megabyte = 2 ** 20;

/** Static answers of 1 kB at `/1k` and 1 MB at `/1m`; `/credentials` says what came to it. */
export function startOrigin(folder: string, port: number): Promise<Server> {
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, "1k"), Buffer.alloc(kilobyte, "x"));
  writeFileSync(join(files, "1m"), Buffer.alloc(megabyte, "x"));
  return startNginx("load", folder, "origin", fill("origin.conf", { port, files }));
}

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
  { connections = 8_192, workers = 1 } = {},
): Promise<Server> {
  const file = join(folder, `${name}.conf`);
  const files = connections + 64;
  writeFileSync(
    file,
    fill("nginx.conf", { user, folder, name, http, connections, files, workers }),
  );
  // The notice "start worker processes" comes after the sockets are bound.
  return startServer(core, nginx, ["-e", "stderr", "-c", file], {
    ready: /start worker processes/,
  });
}
