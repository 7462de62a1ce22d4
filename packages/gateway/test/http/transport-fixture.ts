// Transports under test: each is started with a handler of its own on a free port, and asked with a
// client that speaks its protocol.
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
} from "node:http";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import { freePort } from "../../../../test/support/free-port.ts";
import { http2Request, http2Tunnel } from "../../../../test/support/http2-request.ts";
import { defined } from "../../src/defined.ts";
import { createListener, type Listener } from "../../src/http/listeners.ts";
import type { ServerLimits } from "../../src/http/server-limits.ts";
import type { Exchange, RequestHead } from "../../src/http/transport.ts";

export interface Transport {
  name: string;
  version: RequestHead["version"];
  /** Starts a server whose every request goes to the handler. @returns its port on 127.0.0.1 */
  start(
    context: TestContext,
    handler: (exchange: Exchange) => void,
    limits?: Partial<ServerLimits>,
  ): Promise<number>;
  /** Begins a request; the caller ends it. */
  ask(port: number, options?: RequestOptions): ClientRequest;
  /** Asks to go on with a protocol, and resolves with the tunnel. */
  openTunnel(port: number, protocol: string): Promise<ClientTunnel>;
}

/** A client's end of a tunnel. */
export interface ClientTunnel {
  /** of the answer that opened it, names in lower case */
  headers: IncomingHttpHeaders;
  tunnel: Duplex;
}

type Http1Transport = "postern" | "node";

function startOver(transport: Http1Transport): Transport["start"] {
  return async (context, handler, limits) => {
    const { port } = await startListener(context, { handler, transport, ...defined({ limits }) });
    return port;
  };
}

interface ListenerOptions {
  handler: (exchange: Exchange) => void;
  transport: Http1Transport;
  limits?: Partial<ServerLimits>;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startListener(
  context: TestContext,
  { handler, transport, limits = {} }: ListenerOptions,
): Promise<{ listener: Listener; port: number }> {
  const port = await freePort();
  const listener = await createListener({
    listen: { kind: "tcp", host: "127.0.0.1", port },
    limits: {
      header_bytes: 16_384,
      header_timeout: 60_000,
      idle_timeout: 60_000,
      body_timeout: 60_000,
      http2_streams: 128,
      ...limits,
    },
    transport,
    http2: true,
    record: () => undefined,
    handler,
    noteRefusal: () => "0123456789abcdef",
  });
  context.after(() => listener.close(0));
  return { listener, port };
}

const http1Client: Omit<Transport, "name" | "start"> = {
  version: "1.1",
  ask: (port, options = {}) => request({ host: "127.0.0.1", port, agent: false, ...options }),
  openTunnel(port, protocol) {
    const headers = { Connection: "Upgrade", Upgrade: protocol };
    const asked = request({ host: "127.0.0.1", port, agent: false, headers });
    return new Promise((resolve, reject) => {
      asked.once("upgrade", ({ headers }, tunnel, first: Buffer) => {
        tunnel.unshift(first);
        resolve({ headers, tunnel });
      });
      asked.once("response", ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
      asked.once("error", reject);
      asked.end();
    });
  },
};

/** HTTP/1.1 by the reader of our own. */
export const postern = http1("HTTP/1.1", "postern");

/** The transports that speak HTTP/1.1. */
export const http1Transports = [postern, http1("HTTP/1.1 over node:http", "node")];

function http1(name: string, transport: Http1Transport): Transport {
  return { ...http1Client, name, start: startOver(transport) };
}

const nodeHttp2: Transport = {
  name: "HTTP/2 over node:http2",
  version: "2.0",
  start: startOver("postern"),
  ask: (port, options = {}) => http2Request({ host: "127.0.0.1", port, ...options }),
  openTunnel: (port, protocol) => http2Tunnel({ host: "127.0.0.1", port }, protocol),
};

/** Every transport of the gateway. */
export const transports: readonly Transport[] = [...http1Transports, nodeHttp2];

/** The answer to a request, whole. */
export async function answerTo(
  asked: ClientRequest,
): Promise<{ response: IncomingMessage; body: string }> {
  const response = await responseTo(asked);
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { response, body };
}

/** The head of the answer to a request. */
export function responseTo(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once("response", resolve);
    asked.once("error", reject);
  });
}
