// Connections to the gateway, for one application: one of HTTP/2 for all requests where the gateway
// speaks it, else some of HTTP/1.1 that are kept. Upgrades get a connection of HTTP/1.1 each. Every
// one is made as all connections of this program are (net/connect.ts).
import http, { type ClientRequestArgs } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { connectTo } from "../net/connect.ts";
import { requestOverHttp1, type UpgradeRequest, upgradeOverHttp1 } from "./gateway-http1.ts";
import type { Http2Connection } from "./gateway-http2.ts";
import type { GatewayHead, GatewayRequest, OnInformation } from "./gateway-request.ts";

/** Below what gateways close idle connections after, so that few are closed while used again. */
const idleMs = 4_000;
const mostConnections = 256;

/** The ways to the gateway that one application's requests take. */
export class GatewayConnections {
  readonly #context: Context;
  readonly #app: AppUrl;
  readonly #url: URL;
  readonly #agent: GatewayAgent;
  #mayAgreeHttp2: boolean;
  #http2: Http2Connection | undefined;
  #opening: Promise<Http2Connection | undefined> | undefined;
  /** made in the hope for HTTP/2, and serves HTTP/1.1 */
  #spare: Socket | undefined;
  readonly #tunnels = new Set<Socket>();

  constructor(context: Context, app: AppUrl) {
    this.#context = context;
    this.#app = app;
    this.#url = new URL(app.origin);
    this.#mayAgreeHttp2 = app.protocol === "https:";
    this.#agent = new GatewayAgent(() => this.#dialHttp1());
  }

  /**
   * Begins a request.
   * @throws {CliError} unreachable | unverified
   */
  async open(head: GatewayHead, onInformation: OnInformation): Promise<GatewayRequest> {
    const http2 = await this.#http2Connection();
    if (http2 !== undefined) return http2.request(head, onInformation);
    return requestOverHttp1(this.#agent, this.#app.host, head, onInformation);
  }

  /**
   * Begins an upgrade.
   * @param protocol the value of `Upgrade`
   * @throws {CliError} unreachable | unverified
   */
  async openUpgrade(
    head: Pick<GatewayHead, "method" | "path" | "fields">,
    protocol: string,
  ): Promise<UpgradeRequest> {
    const socket = await connectTo(this.#context, this.#url, ["http/1.1"]);
    this.#tunnels.add(socket);
    socket.once("close", () => this.#tunnels.delete(socket));
    return upgradeOverHttp1(socket, this.#app.host, head, protocol);
  }

  /** Ends every connection, whatever is under way on it. */
  close(): void {
    this.#agent.destroy();
    this.#spare?.destroy();
    this.#http2?.close();
    for (const tunnel of this.#tunnels) tunnel.destroy();
  }

  /** @returns undefined where the gateway speaks HTTP/1.1 */
  async #http2Connection(): Promise<Http2Connection | undefined> {
    if (!this.#mayAgreeHttp2) return undefined;
    if (this.#http2?.isOpen === true) return this.#http2;
    this.#opening ??= this.#agree().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #agree(): Promise<Http2Connection | undefined> {
    const socket = await connectTo(this.#context, this.#url, ["h2", "http/1.1"]);
    if ((socket as TLSSocket).alpnProtocol !== "h2") {
      this.#mayAgreeHttp2 = false;
      this.#spare = socket;
      return undefined;
    }
    const { Http2Connection } = await import("./gateway-http2.ts");
    this.#http2 = new Http2Connection(socket, this.#url);
    return this.#http2;
  }

  async #dialHttp1(): Promise<Socket> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined && !spare.destroyed) return spare;
    return connectTo(this.#context, this.#url, ["http/1.1"]);
  }
}

type Connected = (error: Error | null, socket: Duplex) => void;

/** Keeps connections that are made elsewhere. */
class GatewayAgent extends http.Agent {
  readonly #dial: () => Promise<Socket>;

  constructor(dial: () => Promise<Socket>) {
    super({ keepAlive: true, timeout: idleMs, maxSockets: mostConnections });
    this.#dial = dial;
  }

  override createConnection(_: ClientRequestArgs, connected: Connected): undefined {
    this.#dial().then(
      (socket) => connected(null, socket),
      (error: Error) => connected(error, undefined as unknown as Duplex),
    );
  }
}
