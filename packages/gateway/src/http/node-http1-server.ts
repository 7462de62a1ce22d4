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
import { type Certificates, tlsRules } from "./certificates.ts";
import { chooseProtocol } from "./choose-protocol.ts";
import { answerInProgress, Connections } from "./connections.ts";
import type { Http1Handlers } from "./http1-rules.ts";
import type { Http1Server } from "./http1-server.ts";
import { type ConnectionRules, NodeHttp1Exchange } from "./node-http1.ts";
import { NodeHttp1Upgrade } from "./node-http1-upgrade.ts";
import { Pipelines } from "./pipelines.ts";
import { connectRefusal, type ParserError, refusalOf, writeRefusal } from "./refused-request.ts";
import type { ServerLimits } from "./server-limits.ts";
import { asksForUpgrade, UpgradeAwareRequest } from "./upgrade-request.ts";

/** Makes a server over node:http. */
export function createNodeHttp1Server(
  limits: ServerLimits,
  certificates: Certificates | undefined,
  { handler, noteRefusal, acceptHttp2 }: Http1Handlers,
): Http1Server {
  const protocols = acceptHttp2 === undefined ? ["http/1.1"] : ["h2", "http/1.1"];
  const server = createNodeServer(limits, certificates, protocols);
  const connections = new Connections(server, {
    isTls: certificates !== undefined,
    takeTimeout: limits.body_timeout,
  });
  // A client that has sent its request and shuts its side gets the answer all the same.
  (server as Server & { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  // Beyond its default of 2000 Node drops headers in silence; read-request.ts refuses long before.
  server.maxHeadersCount = 0;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    // The parser stops behind it, and drops what arrived with it: that may be half a request.
    if (asksForUpgrade(request)) response.shouldKeepAlive = false;
    // Until an answer before it has ended, the connection is not the response's own.
    if (response.socket === null) pipelines.add(request, response);
    else handler(new NodeHttp1Exchange(request, response, rules));
  };
  const pipelines = new Pipelines(serve);
  const rules: ConnectionRules = {
    isLast: (socket) => connections.isDraining && !pipelines.isWaiting(socket),
    beginTunnel: (socket) => connections.beginTunnel(socket),
    restTimeout: limits.body_timeout,
  };
  server.on("request", serve);
  // The handler decides first whether the body is wanted: a refused upload is never begun.
  server.on("checkContinue", serve);
  server.on("checkExpectation", serve);
  server.on("upgrade", (request, socket: Socket, firstBytes) => {
    watchReleased(socket);
    if (pipelines.isWaiting(socket)) readOn(socket);
    pipelines.afterAnswers(socket, () =>
      handler(new NodeHttp1Upgrade({ request, socket, firstBytes }, rules)),
    );
  });
  server.on("connect", (request, socket: Socket) =>
    refuseConnect(socket, () => {
      const [target, peer] = [request.url ?? "", socket.remoteAddress];
      writeRefusal(socket, connectRefusal, noteRefusal({ ...connectRefusal, target, peer }));
    }),
  );
  server.on("clientError", (error: ParserError, socket: Socket) =>
    refuseMalformed(error, socket, pipelines, () => {
      const refusal = refusalOf(error);
      writeRefusal(socket, refusal, noteRefusal({ ...refusal, peer: socket.remoteAddress }));
    }),
  );
  if (acceptHttp2 === undefined) return serverOf(server, connections);

  chooseProtocol(server, certificates !== undefined, {
    timeout: limits.header_timeout,
    acceptHttp2(socket) {
      connections.leave(socket);
      acceptHttp2(socket);
    },
    onTimeout: (socket) => server.emit("clientError", requestTimeout(), socket),
  });
  return serverOf(server, connections);
}

function serverOf(server: Server, connections: Connections): Http1Server {
  return {
    server,
    drain: () => connections.drain(),
    destroy: () => connections.destroy(),
    stop() {
      connections.stop();
      // Ends the timers of node:http.
      server.close();
    },
  };
}

/** As node:http says it of a request that it has begun to read. */
function requestTimeout(): ParserError {
  return Object.assign(new Error("Request timeout"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
}

/** @param protocols names for ALPN (RFC 7301), in order of preference */
function createNodeServer(
  limits: ServerLimits,
  certificates: Certificates | undefined,
  protocols: string[],
): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.header_bytes,
    headersTimeout: limits.header_timeout,
    keepAliveTimeout: limits.idle_timeout,
    connectionsCheckingInterval: Math.min(5_000, limits.header_timeout),
    IncomingMessage: UpgradeAwareRequest,
    // A body may be of any length; who reads it limits its pauses.
    requestTimeout: 0,
    insecureHTTPParser: false,
    // Node's own answer to a missing Host has no ray ID; read-request.ts and redirect-to-https.ts
    // refuse it with one.
    requireHostHeader: false,
    noDelay: true,
  };
  if (certificates === undefined) return createServer(options);
  const server = createTlsServer({
    ...options,
    ALPNProtocols: protocols,
    allowHalfOpen: true,
    handshakeTimeout: limits.header_timeout,
    SNICallback: (servername, done) => done(null, certificates.contextFor(servername)),
  });
  if (server instanceof TlsServer)
    certificates.onFallback((pair) => server.setSecureContext({ ...pair, ...tlsRules }));
  return server;
}

/**
 * Stands in for the listeners that Node takes off a socket which it hands over. An error that
 * nobody listens to would end the process, and answers in progress wait for `drain`.
 */
function watchReleased(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.on("drain", () => answerInProgress(socket)?.emit("drain"));
}

/**
 * Ends the pause of a socket that is handed over while requests wait. The listener with which Node
 * would do so went with the parser.
 */
function readOn(socket: Socket): void {
  const { _handle: handle } = socket as Socket & { _handle?: { readStart?(): void } | null };
  handle?.readStart?.();
}

function refuseConnect(socket: Socket, refuse: () => void): void {
  watchReleased(socket);
  const response = answerInProgress(socket);
  if (response !== undefined) {
    // The refusal would be taken for that answer, which hears of its end from nobody else now.
    socket.once("close", () => response.emit("close"));
    socket.destroy();
    return;
  }
  refuse();
}

function refuseMalformed(
  error: ParserError,
  socket: Socket,
  pipelines: Pipelines,
  refuse: () => void,
): void {
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
    refuse();
  } else if (response.req.complete) {
    pipelines.afterAnswers(socket, () => {
      socket.resume();
      refuse();
    });
  } else if (response.headersSent) {
    // It stopped in the body of the request that is being answered.
    socket.destroySoon();
  } else {
    socket.destroy();
  }
}
