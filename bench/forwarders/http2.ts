// `PORT ORIGIN CERTIFICATE KEY`: ends HTTP/2 and asks the origin over kept connections of
// HTTP/1.1, with the least reading of its answers that works: what node:http2 itself costs.
import { readFileSync } from "node:fs";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import { createConnection, type Socket } from "node:net";

const headEnd = "\r\n\r\n";
const [, , port, origin, certificate = "", key = ""] = process.argv;

/** A connection to the origin, which serves one request at a time. */
class Upstream {
  readonly #socket: Socket;
  #stream: ServerHttp2Stream | undefined;
  #answer: Buffer = Buffer.alloc(0);

  constructor() {
    this.#socket = createConnection({ port: Number(origin), host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk) => this.#take(chunk));
    this.#socket.on("error", () => process.exit(1));
  }

  ask(stream: ServerHttp2Stream, request: string): void {
    this.#stream = stream;
    this.#socket.write(request, "latin1");
  }

  #take(chunk: Buffer): void {
    this.#answer = this.#answer.length === 0 ? chunk : Buffer.concat([this.#answer, chunk]);
    const end = this.#answer.indexOf(headEnd);
    if (end < 0) return;
    const lines = this.#answer.toString("latin1", 0, end).split("\r\n");
    const headers = Object.fromEntries(lines.slice(1).map(fieldOf).filter(isAllowed));
    const body = this.#answer.subarray(end + headEnd.length);
    if (body.length < Number(headers["content-length"])) return;
    const stream = this.#stream;
    this.#answer = Buffer.alloc(0);
    idle.push(this);
    if (stream === undefined || stream.destroyed) return;
    stream.respond({ ":status": Number(lines[0]?.slice(9, 12)), ...headers });
    stream.end(body);
  }
}

const idle: Upstream[] = [];

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** HTTP/2 knows no fields of a connection (RFC 9113 8.2.2). */
function isAllowed([name]: [string, string]): boolean {
  return name !== "connection" && name !== "keep-alive";
}

createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) })
  .on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const { ":path": path, ":authority": host, ":method": method, cookie } = headers;
    const fields = [`Host: ${host}`, `Cookie: ${cookie}`, `User-Agent: ${headers["user-agent"]}`];
    const request = [`${method} ${path} HTTP/1.1`, ...fields, "", ""].join("\r\n");
    (idle.pop() ?? new Upstream()).ask(stream, request);
  })
  .listen(Number(port), "127.0.0.1");
