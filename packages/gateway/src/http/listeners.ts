// Sockets that listen: opens an address for a server, says in words why that failed, and closes it
// again in time, after everybody who is connected was told.
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, Server } from "node:net";
import type { RecordEvent } from "../observe/events.ts";
import { type CertificateFiles, loadCertificates } from "./certificates.ts";
import type { Http1Handlers } from "./http1-rules.ts";
import { createHttp1Server, type Http1Server } from "./http1-server.ts";
import { Http2Sessions } from "./http2-server.ts";
import { createNodeHttp1Server } from "./node-http1-server.ts";
import type { ServerLimits } from "./server-limits.ts";

/** Where to listen. */
export type ListenAddress =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "unix"; path: string };

/** An address that is listened on. */
export interface Listener {
  /** Reads the certificates again. */
  reloadCertificates(): void;
  /**
   * Goes on listening, and ends each connection with its next answer, which says so.
   * @returns resolves when nobody is left who was connected before
   */
  drain(): Promise<void>;
  /** Stops listening; what is in flight has `graceMs` to end. */
  close(graceMs: number): Promise<void>;
}

/** Where to listen, for whom, and with which certificates; without `tls` in the clear. */
export interface ListenerOptions extends Omit<Http1Handlers, "acceptHttp2"> {
  listen: ListenAddress;
  limits: ServerLimits;
  /** what reads HTTP/1.1: a reader of our own, or the parser of node:http */
  transport: "postern" | "node";
  /** whether clients may speak HTTP/2 */
  http2: boolean;
  record: RecordEvent;
  tls?: { certificates: readonly CertificateFiles[] } | undefined;
}

/**
 * Opens a listener, and resolves when it accepts connections.
 * @throws {Error} when the address is taken, or a certificate cannot be used
 */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const { listen, limits, record, tls } = options;
  const certificates = tls === undefined ? undefined : loadCertificates(tls.certificates, record);
  const handler = listen.kind === "unix" ? options.handler : forKnownPeers(options.handler);
  const http2 = options.http2 ? new Http2Sessions({ ...options, handler }) : undefined;
  const createServer = options.transport === "node" ? createNodeHttp1Server : createHttp1Server;
  const http1 = createServer(limits, certificates, {
    ...options,
    handler,
    acceptHttp2: http2 && ((socket) => http2.accept(socket)),
  });
  const servers = { http1, http2 };
  try {
    await startListening(http1.server, listen);
  } catch (error) {
    certificates?.close();
    throw error;
  }
  return {
    reloadCertificates: () => certificates?.reload(),
    drain: () => drain(servers),
    async close(graceMs) {
      certificates?.close();
      await closeServers(servers, graceMs);
    },
  };
}

/**
 * Only a client of a Unix socket has no address. One that resets its TCP connection behind a
 * request has lost its own, and would pass for a proxy that is trusted (case H4).
 */
function forKnownPeers(handler: Http1Handlers["handler"]): Http1Handlers["handler"] {
  return (exchange) => {
    if (exchange.head.peer === undefined) exchange.destroy();
    else handler(exchange);
  };
}

/** What serves the connections of one listener. */
interface Servers {
  http1: Http1Server;
  http2: Http2Sessions | undefined;
}

async function drain({ http1, http2 }: Servers): Promise<void> {
  await Promise.all([http1.drain(), http2?.drain()]);
}

async function closeServers(servers: Servers, graceMs: number): Promise<void> {
  const { http1, http2 } = servers;
  const { server } = http1;
  // As every server of node:net: node:http would cut those whose first request is on its way.
  const closed = new Promise<void>((resolve) =>
    Server.prototype.close.call(server, () => resolve()),
  );
  const drained = drain(servers);
  const deadline = setTimeout(() => {
    http1.destroy();
    http2?.destroy();
  }, graceMs);
  await Promise.all([closed, drained]);
  clearTimeout(deadline);
  http1.stop();
  http2?.stop();
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
  EADDRINUSE: "another program is using it: stop that program, or choose another address",
  EACCES: "this user is not allowed to: choose another address (ports below 1024 need a privilege)",
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
