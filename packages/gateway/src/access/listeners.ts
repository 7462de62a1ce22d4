// Sockets that listen: HTTP/1.1 with or without TLS, and the one that only sends people from http to https. What the
// parser refuses gets one plain answer and the end of the connection.
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { ListenAddress } from "../config/values.ts";
import type { Log } from "../observe/log.ts";
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
  log: Log;
  handler: (request: IncomingMessage, response: ServerResponse) => void;
  tls?: { certificates: readonly CertificateFiles[] } | undefined;
}

/** Resolves when it accepts connections. @throws {Error} when the address is taken, or a certificate cannot be used */
export async function createListener({ listen, limits, log, handler, tls }: ListenerOptions): Promise<Listener> {
  const certificates = tls === undefined ? undefined : loadCertificates(tls.certificates, log);
  const server = createHttpServer(limits, certificates);
  server.on("request", handler);
  // Whether the body is wanted is decided first: a refused upload is never begun.
  server.on("checkContinue", handler);
  server.on("connect", (request, socket: Socket) => refuseConnect(request, socket));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuseMalformed(error, socket as Socket));
  try {
    await listening(server, listen);
  } catch (error) {
    certificates?.close();
    throw error;
  }
  return {
    async close(graceMs) {
      certificates?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
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
          ...certificates.fallback,
          minVersion: "TLSv1.2",
          ALPNProtocols: ["http/1.1"],
          handshakeTimeout: limits.header_timeout,
          SNICallback: (servername, done) => done(null, certificates.contextFor(servername)),
        });
  // Beyond its default of 2000 Node drops headers in silence; read-request.ts refuses long before.
  server.maxHeadersCount = 0;
  return server;
}

/** Answers everything with the same address over https, and nothing else. */
export function redirectToHttps(httpsPort: number): ListenerOptions["handler"] {
  return (request, response) => {
    const host = /^([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.exec(request.headers.host ?? "")?.[1];
    const target = request.url ?? "";
    response.setHeader("Connection", "close");
    if (host === undefined || !target.startsWith("/") || target.includes("#")) {
      response
        .writeHead(400, { "Content-Type": "text/plain; charset=utf-8" })
        .end("The request names no host, or its address is no path.\n");
      return;
    }
    const location = `https://${host.toLowerCase()}${httpsPort === 443 ? "" : `:${httpsPort}`}${target}`;
    response.writeHead(308, { Location: location, "Content-Type": "text/plain; charset=utf-8" }).end("Use https.\n");
  };
}

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
    // What a process that was killed left behind would be in the way.
    rmSync(listen.path, { force: true });
    server.listen(listen.path, () => {
      chmodSync(listen.path, 0o660);
      ready();
    });
  });
}

function refuseConnect(_request: IncomingMessage, socket: Socket): void {
  socket.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

const plain: Record<string, [string, string]> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The head of the request is too large."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The head of the request did not arrive in time."],
};

function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, why] = plain[error.code ?? ""] ?? ["400 Bad Request", "This is not a proper HTTP/1.1 request."];
  const body = `${why}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
