// What the gateway is held against: nginx that forwards everything to one origin, and bare relays.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startNginx } from "../nginx.ts";
import { freePorts, startServer } from "../process.ts";
import type { Stage } from "../stage.ts";

export interface Peer {
  pid: number;
  port: number;
}

const relayProgram = join(import.meta.dirname, "../streams-relay.ts");

/** As many as the largest scenario has, both sides together. */
const connections = 8_192;
const kept = 1_024;

/**
 * nginx that does nothing but forward.
 * @param origin its port, to which `http://origin` leads
 * @param directives of its only location
 * @param listen further words of its `listen`, such as `http2`
 */
export async function startBareNginx(
  stage: Stage,
  origin: number,
  directives: string,
  listen = "",
): Promise<Peer> {
  const [port = 0] = await freePorts(1);
  const http = `upstream origin { server 127.0.0.1:${origin}; keepalive ${kept}; }
    server { listen 127.0.0.1:${port} ${listen}; location / { ${directives} } }`;
  const nginx = startNginx("proxy", stage.folder, `nginx-${port}`, http, { connections });
  return { port, pid: (await stage.keep(nginx)).pid };
}

/** socat, which copies bytes both ways: a process for each connection. */
export async function startSocat(stage: Stage, target: number): Promise<Peer> {
  const [port = 0] = await freePorts(1);
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,nodelay`;
  const args = ["-d", "-d", listen, `TCP:127.0.0.1:${target},nodelay`];
  const socat = startServer("proxy", "socat", args, { ready: /listening on/ });
  return { port, pid: (await stage.keep(socat)).pid };
}

/** WebSockets in, TCP out, and nothing else. */
export async function startBareWebSocketServer(stage: Stage, target: number): Promise<Peer> {
  const [port = 0] = await freePorts(1);
  const args = [relayProgram, "server", String(port), String(target)];
  const relay = startServer("proxy", process.execPath, args, { ready: /listening/ });
  return { port, pid: (await stage.keep(relay)).pid };
}

/**
 * The client's end of TCP over WebSocket, on the core of the load.
 * @param to where the WebSocket goes
 * @param headers that its dial bears
 * @returns the port on which it takes connections
 */
export async function startRelayClient(
  stage: Stage,
  to: number,
  headers: Record<string, string>,
): Promise<number> {
  const [port = 0] = await freePorts(1);
  const file = join(stage.folder, `headers-${port}`);
  writeFileSync(file, JSON.stringify(headers));
  const args = [relayProgram, "client", String(port), String(to), file];
  await stage.keep(startServer("load", process.execPath, args, { ready: /listening/ }));
  return port;
}
