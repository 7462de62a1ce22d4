// A proxy on this machine that adds the credential of one application to every request that it
// admits. The credential stays in this process: a client uses it and cannot read it.
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { listenOnPort } from "../listening/listen-on-port.ts";
import { isOwnPeer } from "../listening/peer-owner.ts";
import { listenOnSocket } from "../listening/unix-socket.ts";
import type { CredentialSource } from "../sign-in/credential-source.ts";
import { type Admission, type AdmissionRules, admit } from "./admit.ts";
import { forward, type ProxyParts } from "./exchange.ts";
import { GatewayConnections } from "./gateway-connections.ts";
import type { ListenPlace } from "./listen-place.ts";
import { sendRefusal } from "./local-answer.ts";
import { forwardUpgrade, type LocalUpgrade, responseTo } from "./upgrade.ts";

/** What is served, and by what. */
export interface LocalProxyOptions {
  app: AppUrl;
  /** origin of the team domain */
  team: string;
  source: CredentialSource;
  place: ListenPlace;
  /** told why a request was not answered by the application; default: the person is */
  report?(line: string): void;
  /** a client takes it for its proxy as well, and sends it whole addresses of its own */
  isOwnProxy?: true;
}

/** Time for requests that are under way when the proxy is to end (milliseconds). */
const drainTime = 10_000;
/** A client keeps its connection for as long between two requests (milliseconds). */
const keepAlive = 65_000;

/**
 * Starts to listen.
 * @throws {CliError} usage, where the place is taken or cannot be ours alone
 */
export async function startLocalProxy(
  context: Context,
  options: LocalProxyOptions,
): Promise<LocalProxy> {
  const proxy = new LocalProxy(context, options);
  await proxy.listen();
  return proxy;
}

export class LocalProxy {
  readonly #options: LocalProxyOptions;
  readonly #parts: ProxyParts;
  #servers: http.Server[] = [];
  readonly #sockets = new Set<Socket>();
  #cutCount = 0;
  /** connections of other users */
  readonly #strangers = new WeakSet<Socket>();
  #rules: AdmissionRules = { hosts: new Set(), origins: new Set() };
  #port = 0;

  constructor(context: Context, options: LocalProxyOptions) {
    const { app, team, source } = options;
    const tell = (line: string) => context.tell(`postern: ${line}`);
    const report = withoutRepetition(context, options.report ?? tell);
    this.#options = options;
    const connections = new GatewayConnections(context, app);
    const trace = (line: string) => {
      if (context.debug) context.tell(line);
    };
    this.#parts = { app, team, source, connections, report, trace };
  }

  /** `http://localhost:PORT`; undefined on a Unix socket */
  get url(): string | undefined {
    const { place } = this.#options;
    if (place.kind === "unix") return undefined;
    const [address = ""] = place.addresses;
    if (place.addresses.length > 1) return `http://localhost:${this.#port}`;
    return `http://${bracketed(address)}:${this.#port}`;
  }

  /** How many connections its end has cut. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** Whether anybody is connected. */
  get isInUse(): boolean {
    return this.#sockets.size > 0;
  }

  async listen(): Promise<void> {
    const { place, app } = this.#options;
    if (place.kind === "unix") {
      const server = this.#makeServer();
      await listenOnSocket(server, place.path);
      this.#servers = [server];
      this.#rules = { hosts: new Set(["localhost", app.host]), origins: new Set([app.origin]) };
      return;
    }
    const { addresses } = place;
    const { servers, port } = await listenOnPort(() => this.#makeServer(), addresses, place.port);
    this.#servers = servers;
    this.#port = port;
    const hosts = ["localhost", ...addresses.map(bracketed)].flatMap((name) => hostsOf(name, port));
    this.#rules = { hosts: new Set(hosts), origins: new Set() };
  }

  /** Takes no more requests, and waits for those that are under way; not for ever. */
  async drain(): Promise<void> {
    const ended = this.#servers.map(
      (server) => new Promise<void>((resolve) => void server.close(() => resolve())),
    );
    for (const server of this.#servers) server.closeIdleConnections();
    const deadline = setTimeout(() => this.#cut(), drainTime);
    await Promise.all(ended);
    clearTimeout(deadline);
    this.#parts.connections.close();
  }

  /** Ends at once. */
  close(): void {
    for (const server of this.#servers) server.close();
    this.#cut();
    this.#parts.connections.close();
  }

  #cut(): void {
    this.#cutCount += this.#sockets.size;
    for (const socket of this.#sockets) socket.destroy();
  }

  #makeServer(): http.Server {
    const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: keepAlive });
    server.on("connection", this.#connected);
    server.on("request", this.#asked);
    server.on("checkContinue", this.#asked);
    server.on("upgrade", this.#upgraded);
    server.on("connect", this.#upgraded);
    return server;
  }

  readonly #connected = (socket: Socket): void => {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // A Unix socket is its owner's by its mode.
    if (this.#options.place.kind === "unix" || isOwnPeer(socket)) return;
    this.#strangers.add(socket);
    this.#parts.report("another user of this machine connected, and was refused");
  };

  readonly #asked = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#options.isOwnProxy === true) request.url = originForm(request);
    const admission = this.#admit(request);
    if (admission.ok) forward(this.#parts, request, response, admission.localOrigin);
    else sendRefusal(response, { status: admission.status, line: admission.why });
  };

  readonly #upgraded = (request: IncomingMessage, socket: Duplex, first: Buffer): void => {
    const upgrade: LocalUpgrade = { request, socket, first };
    const admission = this.#admit(request);
    if (admission.ok) void forwardUpgrade(this.#parts, upgrade, admission.localOrigin);
    else sendRefusal(responseTo(upgrade), { status: admission.status, line: admission.why });
  };

  #admit({ method = "", url = "", rawHeaders, socket }: IncomingMessage): Admission {
    if (this.#strangers.has(socket)) return otherUser;
    return admit({ method, target: url, rawFields: rawHeaders }, this.#rules);
  }
}

/**
 * The request target as a path, where it is a whole address of this proxy (RFC 9112 3.2.2). Any
 * other stays as it is, and is refused.
 */
function originForm({ url = "", headers }: IncomingMessage): string {
  const ownAddress = `http://${headers.host ?? ""}/`.toLowerCase();
  const isOwn = url.slice(0, ownAddress.length).toLowerCase() === ownAddress;
  return isOwn ? url.slice(ownAddress.length - 1) : url;
}

const otherUser: Admission = { ok: false, status: 403, why: "this proxy is another user's" };

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** The port of the scheme need not be written. */
function hostsOf(name: string, port: number): string[] {
  return port === 80 ? [name, `${name}:80`] : [`${name}:${port}`];
}

const sameLineAfter = 30_000;

/** Tells each line, but not the same one again in this time (milliseconds). */
function withoutRepetition(
  { now }: Pick<Context, "now">,
  tell: (line: string) => void,
): (line: string) => void {
  let last: { line: string; until: number } | undefined;
  return (line) => {
    if (last?.line === line && now() < last.until) return;
    last = { line, until: now() + sameLineAfter };
    tell(line);
  };
}
