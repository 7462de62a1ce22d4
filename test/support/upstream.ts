// A real HTTP origin that remembers what reached it, byte for byte where it matters: the request
// line, the header lines in their order and writing, the body. It answers with what it saw, or as a
// test scripts it. A request counts from its head on, so `requests.length === 0` proves that the
// origin saw nothing.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer as createHttp2TlsServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

/** How the origin answers one request. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
) => void;

export interface SeenRequest {
  /** exactly as it arrived, without the line end */
  requestLine: string;
  method: string;
  /** the request target as it arrived */
  url: string;
  /** names and values in turn, order and writing kept */
  rawHeaders: string[];
  /** bytes of the body so far; final when `ended` resolves */
  bodySize: number;
  /** the body's first 64 KiB as text */
  body: string;
  trailers: NodeJS.Dict<string>;
  /** when the body is complete, or the client gone: then `aborted` is true */
  ended: Promise<void>;
  aborted: boolean;
  /** all values under this name, joined by ", "; undefined when the header is absent */
  header(name: string): string | undefined;
}

export interface Upstream {
  /** `http://127.0.0.1:<port>`, or `unix:<path>` */
  origin: string;
  port: number;
  requests: SeenRequest[];
  /** what Node's parser refused: a request that was cut differently than it was meant ends here */
  malformed: string[];
  /** TCP connections that were ever opened */
  connections: number;
  /** answers so from now on, until `reset` */
  answerWith(answer: Answer): void;
  /** forgets what was seen, and echoes again */
  reset(): void;
  /** resolves as soon as `count` requests have arrived */
  seen(count: number): Promise<void>;
  /** stops listening and drops its connections: the port refuses from now on */
  refuse(): Promise<void>;
  close(): Promise<void>;
}

export interface UpstreamOptions {
  socketPath?: string;
  tls?: { cert: string; key: string };
  /** HTTP/2 and nothing else: with `tls` by ALPN, without it by prior knowledge */
  http2?: boolean;
}

const keptBody = 65_536;

export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const waiting = new Set<() => void>();
  let answer: Answer = echo;
  const server = createNodeServer(options);
  const sessions = new Set<ServerHttp2Session>();
  const upstream: Upstream = {
    origin: "",
    port: 0,
    requests: [],
    malformed: [],
    connections: 0,
    answerWith: (next) => {
      answer = next;
    },
    reset: () => {
      upstream.requests.length = 0;
      upstream.malformed.length = 0;
      answer = echo;
    },
    seen: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (upstream.requests.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    refuse: () => upstream.close(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
        server.closeAllConnections?.();
      }),
  };
  const note = (request: IncomingMessage): SeenRequest => {
    const seen = watch(request);
    upstream.requests.push(seen);
    for (const look of waiting) look();
    return seen;
  };
  server.requestTimeout = 0;
  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("connection", () => {
    upstream.connections += 1;
  });
  server.on("request", (request, response) => {
    response.on("error", () => undefined);
    answer(request, response, note(request));
  });
  // Without this a CONNECT would be dropped unseen.
  server.on("connect", (request, socket) => {
    note(request);
    socket.destroy();
  });
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (error.code !== "ECONNRESET") upstream.malformed.push(error.code ?? error.message);
    (socket as Socket).destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (options.socketPath === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(options.socketPath, resolve);
  });
  if (options.socketPath === undefined) {
    upstream.port = (server.address() as AddressInfo).port;
    upstream.origin = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${upstream.port}`;
  } else {
    upstream.origin = `unix:${options.socketPath}`;
  }
  return upstream;
}

/** What HTTP/2 servers of Node hand over has the same shape as what those of HTTP/1.1 do. */
function createNodeServer({ tls, http2 = false }: UpstreamOptions): Server {
  if (!http2) return tls === undefined ? createServer() : createTlsServer(tls);
  const server = tls === undefined ? createHttp2Server() : createHttp2TlsServer(tls);
  return server as unknown as Server;
}

/** Drops the connection that an answer is on. */
function dropConnection(request: IncomingMessage): void {
  const { stream } = request as unknown as Partial<Http2ServerRequest>;
  if (stream === undefined) request.socket.destroy();
  else stream.session?.destroy();
}

function watch(request: IncomingMessage): SeenRequest {
  const { method = "", url = "", httpVersion, rawHeaders } = request;
  const chunks: Buffer[] = [];
  const seen: SeenRequest = {
    requestLine: `${method} ${url} HTTP/${httpVersion}`,
    method,
    url,
    rawHeaders,
    bodySize: 0,
    get body() {
      return Buffer.concat(chunks).subarray(0, keptBody).toString();
    },
    trailers: {},
    aborted: false,
    ended: new Promise((resolve) => {
      // An HTTP/2 stream that is reset ends as well.
      request.once("aborted", () => {
        seen.aborted = true;
      });
      request.once("end", () => {
        seen.trailers = request.trailers;
        resolve();
      });
      request.once("close", () => {
        seen.aborted ||= !request.complete;
        resolve();
      });
    }),
    header: (name) => {
      const values = rawHeaders.filter(
        (_, index) => index % 2 === 1 && sameName(rawHeaders[index - 1], name),
      );
      return values.length === 0 ? undefined : values.join(", ");
    },
  };
  // Reading starts at once; an answer that must not take the body yet calls `request.pause()`.
  request.on("data", (chunk: Buffer) => {
    if (seen.bodySize < keptBody) chunks.push(chunk);
    seen.bodySize += chunk.length;
  });
  request.on("error", () => undefined);
  return seen;
}

/** HTTP/2 has `:authority` in place of `Host`. */
function sameName(name = "", asked: string): boolean {
  const lower = name.toLowerCase();
  return (lower === ":authority" ? "host" : lower) === asked.toLowerCase();
}

/** 200 with what arrived, as JSON, once the whole body is here. */
function echo(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
  void seen.ended.then(() => {
    const { method, url, headers } = request;
    response.setHeader("Content-Type", "application/json");
    response.end(`${JSON.stringify({ method, url, headers, body_bytes: seen.bodySize })}\n`);
  });
}

/** Answers as `next` does, but not before the returned function is called. */
export function held(next: Answer = echo): { answer: Answer; release(): void } {
  const gate = Promise.withResolvers<void>();
  return {
    answer: (...exchange) => {
      void gate.promise.then(() => next(...exchange));
    },
    release: gate.resolve,
  };
}

/** One chunk for each part, without Content-Length; trailers when there are any. */
export function chunked(parts: (string | Buffer)[], trailers?: Record<string, string>): Answer {
  return (_request, response) => {
    response.writeHead(
      200,
      trailers === undefined ? {} : { Trailer: Object.keys(trailers).join(", ") },
    );
    for (const part of parts) response.write(part);
    if (trailers !== undefined) response.addTrailers(trailers);
    response.end();
  };
}

/** Promises `promised` bytes, sends `sent` of them and drops the connection. */
export function dyingAfter(sent: number, promised: number): Answer {
  return (request, response) => {
    response.writeHead(200, { "Content-Length": promised });
    response.write(Buffer.alloc(sent, "x"), () => dropConnection(request));
  };
}

/** Drops the connection without a byte of an answer. */
export const hangUp: Answer = (request) => dropConnection(request);
