// Sockets that listen: opens an address for a server, says in words why that failed, and closes it
// again in time.
import { chmodSync, lstatSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect, type Socket } from "node:net";
import type { RecordEvent } from "../observe/events.ts";
import { type CertificateFiles, loadCertificates } from "./certificates.ts";
import { createHttp1Server, type ServerLimits } from "./http1-server.ts";
import type { Exchange } from "./transport.ts";

/** Where to listen. */
export type ListenAddress =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "unix"; path: string };

/** An address that is listened on. */
export interface Listener {
  /** Stops listening; what is in flight has `graceMs` to end. */
  close(graceMs: number): Promise<void>;
}

/** Where to listen, for whom, and with which certificates; without `tls` in the clear. */
export interface ListenerOptions {
  listen: ListenAddress;
  limits: ServerLimits;
  record: RecordEvent;
  handler: (exchange: Exchange) => void;
  tls?: { certificates: readonly CertificateFiles[] } | undefined;
}

/** How often a gateway that ends looks for connections that have become idle. */
const idleCheckMs = 100;

/**
 * Opens a listener, and resolves when it accepts connections.
 * @throws {Error} when the address is taken, or a certificate cannot be used
 */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const { listen, limits, record, handler, tls } = options;
  const certificates = tls === undefined ? undefined : loadCertificates(tls.certificates, record);
  const server = createHttp1Server(limits, certificates, handler);
  const sockets = socketsOf(server);
  try {
    await startListening(server, listen);
  } catch (error) {
    certificates?.close();
    throw error;
  }
  return {
    async close(graceMs) {
      certificates?.close();
      await closeServer(server, sockets, graceMs);
    },
  };
}

/** The open connections. The server's own list lacks those that are still in their handshake. */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

async function closeServer(
  server: Server,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection whose request was in flight is kept for the next one, which nobody will answer.
  const idleCheck = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const deadline = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await closed;
  clearInterval(idleCheck);
  clearTimeout(deadline);
}

/** @throws {Error} in words for a person, when the address cannot be had */
async function startListening(server: Server, listen: ListenAddress): Promise<void> {
  try {
    await bind(server, listen);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (listen.kind === "unix" && code === "EADDRINUSE" && (await isLeftBehind(listen.path))) {
      rmSync(listen.path, { force: true });
      await bind(server, listen);
      return;
    }
    const advice = adviceOn[code ?? ""] ?? "choose another address";
    throw new Error(`cannot listen on ${addressText(listen)} (${code}); ${advice}`, {
      cause: error,
    });
  }
}

const adviceOn: Record<string, string> = {
  EADDRINUSE: "something else is there: end it, or choose another address",
  EACCES: "this user may not: choose another address (ports below 1024 need a privilege)",
  EADDRNOTAVAIL: "this machine has no such address: choose another",
};

function addressText(listen: ListenAddress): string {
  if (listen.kind === "unix") return `unix:${listen.path}`;
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return `${host}:${listen.port}`;
}

function bind(server: Server, listen: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = () => {
      server.off("error", reject);
      resolve();
    };
    if (listen.kind === "tcp") {
      server.listen({ host: listen.host, port: listen.port }, ready);
      return;
    }
    server.listen(listen.path, () => {
      chmodSync(listen.path, 0o660);
      ready();
    });
  });
}

/**
 * Whether a killed process left this socket behind: nobody answers there, and the file is nothing
 * else than a socket.
 */
async function isLeftBehind(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
