// The server of node:http behind a listener: its limits, its TLS, and one plain answer and the end
// of the connection for what is no request to the gateway: CONNECT, and what the parser refuses.
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Certificates } from "./certificates.ts";
import { answerInProgress, Connections } from "./connections.ts";
import { type ConnectionRules, NodeHttp1Exchange } from "./node-http1.ts";
import { Pipelines } from "./pipelines.ts";
import type { Exchange } from "./transport.ts";

/** How much and how long a client may take before its request is known. */
export interface ServerLimits {
  header_bytes: number;
  /** milliseconds for the head of a request, and for a TLS handshake */
  header_timeout: number;
  /** milliseconds for which an idle connection is kept */
  idle_timeout: number;
  /**
   * milliseconds for which a client may take nothing of its answer, or, after it, leave its request
   * incomplete
   */
  body_timeout: number;
}

/** A server that does not listen yet, and its connections. */
export interface Http1Server {
  server: Server;
  connections: Connections;
}

/** Makes a server. `handler` gets every request that the parser lets through. */
export function createHttp1Server(
  limits: ServerLimits,
  certificates: Certificates | undefined,
  handler: (exchange: Exchange) => void,
): Http1Server {
  const server = createNodeServer(limits, certificates);
  const connections = new Connections(server, {
    isTls: certificates !== undefined,
    takeTimeout: limits.body_timeout,
  });
  // A client that has sent its request and shuts its side gets the answer all the same.
  (server as Server & { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  // Beyond its default of 2000 Node drops headers in silence; read-request.ts refuses long before.
  server.maxHeadersCount = 0;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    // Until an answer before it has ended, the connection is not the response's own.
    if (response.socket === null) pipelines.add(request, response);
    else handler(new NodeHttp1Exchange(request, response, rules));
  };
  const pipelines = new Pipelines(serve);
  const rules: ConnectionRules = {
    isLast: (socket) => connections.isDraining && !pipelines.isWaiting(socket),
    restTimeout: limits.body_timeout,
  };
  server.on("request", serve);
  // The handler decides first whether the body is wanted: a refused upload is never begun.
  server.on("checkContinue", serve);
  server.on("connect", (_request, socket: Socket) => refuseConnect(socket));
  server.on("clientError", (error: ParserError, socket) =>
    refuseMalformed(error, socket as Socket, pipelines),
  );
  return { server, connections };
}

function createNodeServer(limits: ServerLimits, certificates: Certificates | undefined): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.header_bytes,
    headersTimeout: limits.header_timeout,
    keepAliveTimeout: limits.idle_timeout,
    connectionsCheckingInterval: Math.min(5_000, limits.header_timeout),
    // A body may be of any length; who reads it limits its pauses.
    requestTimeout: 0,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  };
  if (certificates === undefined) return createServer(options);
  const server = createTlsServer({
    ...options,
    ALPNProtocols: ["http/1.1"],
    allowHalfOpen: true,
    handshakeTimeout: limits.header_timeout,
    SNICallback: (servername, done) => done(null, certificates.contextFor(servername)),
  });
  if (server instanceof TlsServer)
    certificates.onFallback((pair) => server.setSecureContext({ ...pair, minVersion: "TLSv1.2" }));
  return server;
}

function refuseConnect(socket: Socket): void {
  // Node has taken its own listeners off this socket: an error that nobody listens to would end
  // the process.
  socket.on("error", () => undefined);
  const response = answerInProgress(socket);
  if (response !== undefined) {
    // The refusal would be taken for that answer, which hears of its end from nobody else now.
    socket.once("close", () => response.emit("close"));
    socket.destroy();
    return;
  }
  socket.end(
    "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    () => socket.destroy(),
  );
}

interface Refusal {
  status: string;
  message: string;
}

const malformed: Refusal = {
  status: "400 Bad Request",
  message: "This is not a proper HTTP/1.1 request.",
};

const refusals: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    message: "The head of the request is too large.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: "408 Request Timeout",
    message: "The head of the request did not arrive in time.",
  },
};

/** What node:http says of a request that its parser refuses. */
interface ParserError extends NodeJS.ErrnoException {
  /** the piece of the connection in which it stopped */
  rawPacket?: Buffer;
  /** where in that piece */
  bytesParsed?: number;
}

function refusalOf(error: ParserError): Refusal {
  const { code = "" } = error;
  const method = code === "HPE_INVALID_METHOD" ? requestAt(error)?.method : undefined;
  if (method !== undefined) return unknownMethod(method);
  const target = code === "HPE_INVALID_URL" ? requestAt(error)?.target : undefined;
  if (target !== undefined && /[\x80-\xff]/.test(target)) return rawBytes;
  return refusals[code] ?? malformed;
}

/** To RFC 9110 9.1 a method is any token; the parser knows some thirty. */
function unknownMethod(method: string): Refusal {
  const message = `This gateway does not forward the method ${method} yet.`;
  return { status: "501 Not Implemented", message };
}

/** RFC 3986 2.1: the parser takes no bytes beyond ASCII in a request target. */
const rawBytes: Refusal = {
  status: "400 Bad Request",
  message:
    "The address holds bytes beyond ASCII. Write them as escapes: %C3%A9 for an e with acute.",
};

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) ([!-\xff]+) HTTP\/1\.[01]\r?\n/;
/** Bytes in which a request line is looked for. */
const lookedAt = 8_192;

/** The request line around the place where the parser stopped, if a whole one stands there. */
function requestAt(error: ParserError): { method: string; target: string } | undefined {
  const { rawPacket, bytesParsed = 0 } = error;
  if (rawPacket === undefined) return undefined;
  const start = rawPacket.lastIndexOf("\n", bytesParsed) + 1;
  const line = rawPacket.toString("latin1", start, start + lookedAt);
  const [, method, target] = requestLine.exec(line) ?? [];
  if (method === undefined || target === undefined) return undefined;
  return { method, target };
}

function refuseMalformed(error: ParserError, socket: Socket, pipelines: Pipelines): void {
  const { code = "" } = error;
  // Nothing after a request that ends its connection is looked at (RFC 9112 9.6). Its answer is on
  // its way and closes the connection.
  if (code === "HPE_CLOSED_CONNECTION") return;

  // Only the parser's complaints are about HTTP: a broken TLS handshake, or one that never ends
  // (case O5), has no answer in it.
  const isAboutHttp = /^(HPE_|ERR_HTTP_)/.test(code);
  const response = answerInProgress(socket);
  if (!isAboutHttp || !socket.writable) {
    socket.destroy();
  } else if (response === undefined) {
    refuse(socket, refusalOf(error));
  } else if (response.req.complete) {
    pipelines.afterAnswers(socket, () => refuse(socket, refusalOf(error)));
  } else if (response.headersSent) {
    // It stopped in the body of the request that is being answered.
    socket.destroySoon();
  } else {
    socket.destroy();
  }
}

function refuse(socket: Socket, { status, message }: Refusal): void {
  const lines = [
    `HTTP/1.1 ${status}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${message.length + 1}`,
    "",
    `${message}\n`,
  ];
  socket.end(lines.join("\r\n"), () => socket.destroy());
}
