// A request over HTTP/2 with the face of node:http, so that a test that was written for HTTP/1.1 is
// held to both. What HTTP/2 has no place for (`Connection`, a reason phrase) is left out.
import { once } from "node:events";
import type { Agent, ClientRequest, RequestOptions } from "node:http";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { type Duplex, Readable, Writable } from "node:stream";
import { defined } from "../../packages/gateway/src/defined.ts";

/** RFC 9113 8.2.2; `host` becomes `:authority`. */
const ofConnection = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "host",
]);

/** Sessions of agents that keep their connections. */
const sessions = new Map<Agent, ClientHttp2Session>();

/** As `request` of node:http. A session of its own carries it, unless an agent is given. */
export function http2Request(
  options: RequestOptions,
  connection: SecureClientSessionOptions = {},
): ClientRequest {
  return new Http2Request(options, connection) as unknown as ClientRequest;
}

/** Asks to go on with a protocol (RFC 8441), and resolves with the tunnel. */
export async function http2Tunnel(
  options: RequestOptions,
  protocol: string,
  connection: SecureClientSessionOptions = {},
): Promise<{ headers: IncomingHttpHeaders; tunnel: Duplex }> {
  const session = newSession(options, connection);
  // Only a server that announces it may be asked.
  await once(session, "remoteSettings");
  const fields = requestFields({ ...options, method: "CONNECT" });
  fields.push(":protocol", protocol);
  const tunnel = session.request(fields as never, { endStream: false });
  tunnel.once("close", () => session.close());
  tunnel.on("error", () => undefined);
  const [headers] = (await once(tunnel, "response")) as [
    IncomingHttpHeaders & { ":status"?: number | undefined },
  ];
  if (headers[":status"] !== 200) throw new Error(`answered ${headers[":status"]}`);
  return { headers, tunnel };
}

class Http2Request extends Writable {
  readonly reusedSocket: boolean;
  readonly #session: ClientHttp2Session;
  readonly #fields: readonly string[];
  readonly #method: string;
  #stream: ClientHttp2Stream | undefined;
  #trailers: Record<string, string> = {};
  #answered = false;

  constructor(options: RequestOptions, connection: SecureClientSessionOptions) {
    // Its end is not that of the answer.
    super({ autoDestroy: false });
    const { agent, method = "GET" } = options;
    const known = typeof agent === "object" ? sessions.get(agent) : undefined;
    this.reusedSocket = known !== undefined;
    this.#method = method;
    this.#fields = requestFields(options);
    this.#session = known ?? newSession(options, connection);
    if (known === undefined) this.#session.on("error", (error) => this.#fail(error));
    if (typeof agent !== "object") this.once("close", () => this.#endSession());
    else sessions.set(agent, this.#session);
  }

  setHeader(): never {
    throw new Error("give the headers with the options");
  }

  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    this.#trailers = Object.fromEntries(trailers.map(([name, value]) => [name, value]));
  }

  flushHeaders(): void {
    this.#start(false);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const stream = this.#start(false);
    // node:http2 never tells the end of a write of nothing.
    if (stream.closed || chunk.length === 0) done();
    else stream.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    if (this.#stream === undefined) this.#start(true);
    else this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream?.close(8);
    if (!this.#answered) this.#endSession();
    done(error);
  }

  #start(isWhole: boolean): ClientHttp2Stream {
    if (this.#stream !== undefined) return this.#stream;
    const endStream = isWhole && !["POST", "PUT", "PATCH"].includes(this.#method);
    const stream = this.#session.request(this.#fields as never, {
      endStream,
      waitForTrailers: true,
    });
    this.#stream = stream;
    stream.on("continue", () => this.emit("continue"));
    stream.on("wantTrailers", () => stream.sendTrailers(this.#trailers));
    stream.on("error", (error) => this.#fail(error));
    stream.on("response", (headers, _flags, rawHeaders: readonly string[]) => {
      this.#answered = true;
      const response = new Http2Response(stream, headers, rawHeaders);
      response.once("close", () => this.#endSession());
      this.emit("response", response);
    });
    stream.on("close", () => {
      if (!this.#answered) this.#fail(new Error("closed without an answer"));
    });
    if (isWhole && !endStream) stream.end();
    return stream;
  }

  #fail(error: Error): void {
    if (!this.#answered) this.destroy(Object.assign(error, { code: "ECONNRESET" }));
  }

  #endSession(): void {
    const isKept = [...sessions.values()].includes(this.#session);
    if (!isKept && !this.#session.destroyed) this.#session.close();
  }
}

class Http2Response extends Readable {
  readonly httpVersion = "2.0";
  readonly statusMessage = "";
  readonly statusCode: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly rawHeaders: string[] = [];
  trailers: Record<string, unknown> = {};
  complete = false;
  readonly #stream: ClientHttp2Stream;

  constructor(
    stream: ClientHttp2Stream,
    headers: IncomingHttpHeaders & { ":status"?: number | undefined },
    rawHeaders: readonly string[],
  ) {
    super();
    this.#stream = stream;
    const { ":status": status = 0, ...others } = headers;
    this.statusCode = status;
    this.headers = others;
    rawHeaders.forEach((text, index) => {
      const name = rawHeaders[index - (index % 2)] ?? "";
      if (!name.startsWith(":")) this.rawHeaders.push(text);
    });
    stream.on("trailers", (trailers) => {
      this.trailers = trailers;
    });
    stream.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.on("end", () => {
      if (stream.rstCode !== 0) return;
      this.complete = true;
      this.push(null);
    });
    stream.on("close", () => {
      if (!this.complete) this.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
    });
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#stream.closed) this.#stream.close(8);
    done(error);
  }
}

function newSession(
  { protocol = "http:", host = "127.0.0.1", port = 80, localAddress }: RequestOptions,
  connection: SecureClientSessionOptions,
): ClientHttp2Session {
  const options = {
    rejectUnauthorized: false,
    strictSingleValueFields: false,
    ...defined({ localAddress }),
    ...connection,
  };
  return connect(`${protocol}//${host}:${port}`, options);
}

/** Pseudo-header fields and fields, names and values in turn. */
function requestFields(options: RequestOptions): string[] {
  const { method = "GET", host, port, headers = {} } = options;
  const scheme = (options.protocol ?? "http:").slice(0, -1);
  const pairs = pairsOf(headers as Record<string, unknown> | readonly string[]);
  const authority = pairs.find(([name]) => name === "host")?.[1] ?? `${host}:${port}`;
  const kept = pairs.filter(([name]) => !ofConnection.has(name));
  return [
    ...[":method", method, ":scheme", scheme],
    ...[":authority", authority, ":path", options.path ?? "/"],
    ...kept.flat(),
  ];
}

function pairsOf(headers: Record<string, unknown> | readonly string[]): [string, string][] {
  if (!Array.isArray(headers))
    return Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [name.toLowerCase(), String(each)]),
    );
  const pairs: [string, string][] = [];
  for (let index = 0; index < headers.length; index += 2)
    pairs.push([String(headers[index]).toLowerCase(), String(headers[index + 1])]);
  return pairs;
}
