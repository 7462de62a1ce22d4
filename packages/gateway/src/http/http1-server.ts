// The server of our own for HTTP/1.1 behind a listener: takes connections in the clear and over
// TLS, gives each its reader, and looks at all of them from time to time.
import { createServer, type Server, Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { type Certificates, tlsRules } from "./certificates.ts";
import { Http1Connection } from "./http1-connection.ts";
import { lookMsOf } from "./http1-looks.ts";
import { type ConnectionRules, type Http1Handlers, rulesOf } from "./http1-rules.ts";
import type { ServerLimits } from "./server-limits.ts";

/** A server that does not listen yet, and its connections. */
export interface Http1Server {
  /** accepts connections; closing it closes none of them */
  readonly server: Server;
  /**
   * From now on every answer ends its connection, and silent connections are closed.
   * @returns resolves when nobody is left who was connected before
   */
  drain(): Promise<void>;
  /** Cuts every connection. */
  destroy(): void;
  /** Looks at them no more. */
  stop(): void;
}

/** Where the bytes of all connections in the clear go: what was read is dealt with at once. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** Makes a server. */
export function createHttp1Server(
  limits: ServerLimits,
  certificates: Certificates | undefined,
  handlers: Http1Handlers,
): Http1Server {
  const connections = new Http1Connections(limits, handlers);
  if (certificates === undefined) {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (accepted) => connections.acceptPlain(accepted),
    );
    return connections.of(server);
  }
  const protocols = handlers.acceptHttp2 === undefined ? ["http/1.1"] : ["h2", "http/1.1"];
  const server = createTlsServer(
    {
      ALPNProtocols: protocols,
      allowHalfOpen: true,
      noDelay: true,
      handshakeTimeout: limits.header_timeout,
      SNICallback: (servername, done) => done(null, certificates.contextFor(servername)),
    },
    (socket) => connections.acceptEncrypted(socket),
  );
  // There is no answer in a handshake that is broken, or never ends (case O5).
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("connection", (socket: Socket) => connections.trackHandshake(socket));
  certificates.onFallback((pair) => server.setSecureContext({ ...pair, ...tlsRules }));
  return connections.of(server);
}

/** A socket with the connection that reads it. */
type ConnectedSocket = Socket & { connection: Http1Connection };

/** The connections of one server. */
class Http1Connections {
  readonly #rules: ConnectionRules;
  readonly #open = new Set<Http1Connection>();
  /** sockets below TLS, from before their handshake */
  readonly #encrypted = new Set<Socket>();
  readonly #look: NodeJS.Timeout;

  constructor(limits: ServerLimits, handlers: Http1Handlers) {
    this.#rules = rulesOf(limits, handlers);
    this.#look = setInterval(() => this.#lookAtAll(), lookMsOf(limits));
    this.#look.unref();
  }

  of(server: Server): Http1Server {
    return {
      server,
      drain: () => this.#drain(),
      destroy: () => this.#destroy(),
      stop: () => clearInterval(this.#look),
    };
  }

  /** @param accepted a socket that was not read from */
  acceptPlain(accepted: Socket): void {
    const { _handle: handle } = accepted as unknown as { _handle: object | null };
    if (handle === null) {
      accepted.destroy();
      return;
    }
    // Node lets no socket of a server read into a buffer of ours: another one takes its place.
    (accepted as unknown as { _handle: object | null })._handle = null;
    accepted.destroy();
    const options = {
      handle,
      allowHalfOpen: true,
      onread: { buffer: readBuffer, callback: receive },
      manualStart: true,
    };
    const socket = new Socket(options as object) as ConnectedSocket;
    this.#add(socket, false);
    socket.read(0);
  }

  acceptEncrypted(socket: TLSSocket): void {
    if (socket.alpnProtocol === "h2") {
      this.#rules.acceptHttp2?.(socket);
      return;
    }
    const connection = this.#add(socket as unknown as ConnectedSocket, true);
    socket.on("data", (chunk) => {
      if (!connection.receive(chunk, true)) socket.pause();
    });
  }

  trackHandshake(socket: Socket): void {
    this.#encrypted.add(socket);
    socket.once("close", () => this.#encrypted.delete(socket));
  }

  #add(socket: ConnectedSocket, isEncrypted: boolean): Http1Connection {
    const connection = new Http1Connection(socket, this.#rules, isEncrypted);
    socket.connection = connection;
    this.#open.add(connection);
    socket.on("end", receiveEnd);
    socket.on("drain", drained);
    socket.on("error", ignore);
    socket.on("close", () => {
      this.#open.delete(connection);
      connection.closed();
    });
    return connection;
  }

  #drain(): Promise<void> {
    this.#rules.isDraining = true;
    const ends = [...this.#open].map(
      ({ socket }) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
    );
    return Promise.all(ends).then(() => undefined);
  }

  #destroy(): void {
    for (const connection of this.#open) connection.destroy();
    for (const socket of this.#encrypted) socket.destroy();
  }

  #lookAtAll(): void {
    for (const connection of this.#open) connection.look();
  }
}

// Listeners of all sockets. `this` is the socket.

function receive(this: ConnectedSocket, length: number, bytes: Uint8Array): boolean {
  const piece = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  // As long as each read fills the buffer, Node reads the same socket up to 32 times in a row.
  return this.connection.receive(piece, length < bytes.length);
}

function receiveEnd(this: ConnectedSocket): void {
  this.connection.receiveEnd();
}

function drained(this: ConnectedSocket): void {
  this.connection.drained();
}

function ignore(): void {}
