// Sockets that listen: HTTP/1.1 with or without TLS, and the one that only sends people from http
// to https. What the parser refuses gets one plain answer and the end of the connection.
import { chmodSync, lstatSync, rmSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { ListenAddress } from "../config/values.ts";
import type { RecordEvent } from "../observe/events.ts";
import { type CertificateFiles, type Certificates, loadCertificates } from "./certificates.ts";

export interface ListenerLimits {
  header_bytes: number;
  /** milliseconds, all three */
  header_timeout: number;
  idle_timeout: number;
  body_timeout: number;
}

export interface Listener {
  /** stops listening; what is in flight has `graceMs` to end */
  close(graceMs: number): Promise<void>;
}

interface ListenerOptions {
  listen: ListenAddress;
  limits: ListenerLimits;
  record: RecordEvent;
  handler: (request: IncomingMessage, response: ServerResponse) => void;
  tls?: { certificates: readonly CertificateFiles[] } | undefined;
}

/** How often a gateway that ends looks for connections that have become idle. */
const idleCheckMs = 100;

/**
 * Resolves when it accepts connections. @throws {Error} when the address is taken, or a certificate
 * cannot be used
 */
export async function createListener({
  listen,
  limits,
  record,
  handler,
  tls,
}: ListenerOptions): Promise<Listener> {
  const certificates = tls === undefined ? undefined : loadCertificates(tls.certificates, record);
  const server = createHttpServer(limits, certificates);
  server.on("request", handler);
  // Whether the body is wanted is decided first: a refused upload is never begun.
  server.on("checkContinue", handler);
  server.on("connect", (request, socket: Socket) => refuseConnect(request, socket));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
    refuseMalformed(error, socket as Socket),
  );
  // The server's own list lacks those that are still in their TLS handshake.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  try {
    await startListening(server, listen);
  } catch (error) {
    certificates?.close();
    throw error;
  }
  return {
    async close(graceMs) {
      certificates?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // A connection whose request was in flight is kept for the next one, which nobody will
      // answer.
      const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
      const end = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(end);
    },
  };
}

function createHttpServer(limits: ListenerLimits, certificates: Certificates | undefined): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.header_bytes,
    headersTimeout: limits.header_timeout,
    keepAliveTimeout: limits.idle_timeout,
    connectionsCheckingInterval: Math.min(5_000, limits.header_timeout),
    // A body may be of any length; request-body.ts says how long it may pause.
    requestTimeout: 0,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  };
  const server =
    certificates === undefined
      ? createServer(options)
      : createTlsServer({
          ...options,
          ALPNProtocols: ["http/1.1"],
          handshakeTimeout: limits.header_timeout,
          SNICallback: (servername, done) => done(null, certificates.contextFor(servername)),
        });
  if (server instanceof TlsServer)
    certificates?.onFallback((pair) => server.setSecureContext({ ...pair, minVersion: "TLSv1.2" }));
  // Beyond its default of 2000 Node drops headers in silence; read-request.ts refuses long before.
  server.maxHeadersCount = 0;
  return server;
}

/** Answers everything with the same address over https, and nothing else. */
export function redirectToHttps(httpsPort: number): ListenerOptions["handler"] {
  return (request, response) => {
    // RFC 9112 3.2: two of them are none.
    const [named = "", ...more] = request.headersDistinct["host"] ?? [];
    const host =
      more.length > 0
        ? undefined
        : /^([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.exec(named)?.[1];
    const target = request.url ?? "";
    response.setHeader("Connection", "close");
    if (host === undefined || !target.startsWith("/") || target.includes("#")) {
      response
        .writeHead(400, { "Content-Type": "text/plain; charset=utf-8" })
        .end("The request names no host, or its address is no path.\n");
      return;
    }
    const location = `https://${host.toLowerCase()}${httpsPort === 443 ? "" : `:${httpsPort}`}${target}`;
    response
      .writeHead(308, { Location: location, "Content-Type": "text/plain; charset=utf-8" })
      .end("Use https.\n");
  };
}

/** @throws {Error} in words for a person, when the address cannot be had */
async function startListening(server: Server, listen: ListenAddress): Promise<void> {
  try {
    await listening(server, listen);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (listen.kind === "unix" && code === "EADDRINUSE" && (await isLeftBehind(listen.path))) {
      rmSync(listen.path, { force: true });
      await listening(server, listen);
      return;
    }
    const address =
      listen.kind === "unix"
        ? `unix:${listen.path}`
        : `${listen.host.includes(":") ? `[${listen.host}]` : listen.host}:${listen.port}`;
    throw new Error(
      `cannot listen on ${address} (${code}); ${advice[code ?? ""] ?? "choose another address"}`,
      { cause: error },
    );
  }
}

const advice: Record<string, string> = {
  EADDRINUSE: "something else is there: end it, or choose another address",
  EACCES: "this user may not: choose another address (ports below 1024 need a privilege)",
  EADDRNOTAVAIL: "this machine has no such address: choose another",
};

function listening(server: Server, listen: ListenAddress): Promise<void> {
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
 * Whether a process that was killed left this socket: nobody answers there, and it is nothing else
 * than a socket.
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

function refuseConnect(_request: IncomingMessage, socket: Socket): void {
  // Node has taken its own listeners off this socket: an error without one would be the end of the
  // process.
  socket.on("error", () => undefined);
  socket.end(
    "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    () => socket.destroy(),
  );
}

const plain: Record<string, [string, string]> = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "The head of the request is too large.",
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    "408 Request Timeout",
    "The head of the request did not arrive in time.",
  ],
};

function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  // Only the parser's complaints are about HTTP: a broken TLS handshake, or one that never ends
  // (case O5), has no answer in it. And nothing may be written into the middle of another answer.
  const answerable =
    /^(HPE_|ERR_HTTP_)/.test(error.code ?? "") &&
    socket.writable &&
    inProgress(socket) === undefined;
  if (!answerable) {
    // An answer that was given already still gets out.
    if (inProgress(socket)?.headersSent === true) socket.destroySoon();
    else socket.destroy();
    return;
  }
  const [status, why] = plain[error.code ?? ""] ?? [
    "400 Bad Request",
    "This is not a proper HTTP/1.1 request.",
  ];
  const body = `${why}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/**
 * The answer that this connection waits for: Node keeps it here, and its own handler of such errors
 * looks there as well.
 */
function inProgress(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
