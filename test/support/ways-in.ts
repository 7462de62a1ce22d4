// The ways by which strangers reach a gateway: HTTP/1.1 over each of its transports, HTTP/2, and a
// trusted nginx in front. Each writes a request down exactly as it is given, as far as its protocol
// can say it at all, so that one attack is tried by all of them.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { defined } from "../../packages/gateway/src/defined.ts";
import { freePort, startGateway, type TestGateway } from "./gateway.ts";
import * as h2 from "./h2-frames.ts";
import { pathOf, proxyPrograms, runProxy } from "./proxy-process.ts";
import type { Certificate } from "./tls.ts";
import { type OpenStream, openHttp1, openHttp2 } from "./way-streams.ts";

/** What was asked, before a protocol has written it down. */
export interface Request {
  /** default GET */
  method?: string;
  target: string;
  /** default `app.localhost`; `null`: none is said */
  host?: string | null;
  /** `Name: value`, in their order; names are in lower case over HTTP/2 */
  lines?: readonly string[];
  /** asks to go on as a WebSocket: by `Upgrade`, or by an extended CONNECT */
  webSocket?: boolean;
  body?: string;
  /** lines behind a body in chunks */
  trailers?: readonly string[];
  /** HTTP/1.1: the whole request, byte for byte (latin1), in place of all the above */
  bytes?: string;
  /** HTTP/2: what stream 1 consists of, in place of all the above */
  frames?: readonly Buffer[];
}

/** What came back. */
export interface WayAnswer {
  /** undefined when the connection or stream ended without one */
  status: number | undefined;
  /** the code that reset the stream or ended the connection; HTTP/2 alone */
  error: number | undefined;
  body: string;
  /** all that arrived, as text */
  raw: string;
  /** whether the other side had not ended the connection when patience ran out; HTTP/1.1 alone */
  isOpen: boolean;
}

/** A gateway, and one way to it. */
export interface Door {
  gateway: TestGateway;
  /** of 127.0.0.1, where clients connect: the gateway's, or that of the proxy in front */
  port: number;
  /** the address that clients have: what origins are told */
  clientAddress: string;
  ask(request: Request): Promise<WayAnswer>;
  /** sends the same, and holds the answer open */
  open(request: Request): Promise<OpenStream>;
  close(): Promise<void>;
}

export interface WayIn {
  /** goes on a test's name: `over HTTP/2` */
  name: string;
  /** what the right answers depend on: both transports of HTTP/1.1 are held to the same */
  kind: "http1" | "http2" | "nginx";
  /** what this machine lacks for it, in words */
  missing: string | undefined;
  /** starts a gateway with these sections behind this way; with certificates it speaks TLS */
  open(sections: Record<string, unknown>, tls?: Certificate[]): Promise<Door>;
}

export const waysIn: readonly WayIn[] = [
  overHttp1("postern"),
  overHttp1("node"),
  overHttp2(),
  behindNginx(),
];

/** Straight to the gateway, over HTTP/1.1 by one of its transports. */
function overHttp1(transport: "postern" | "node"): WayIn {
  return {
    name: transport === "postern" ? "over HTTP/1.1" : "over HTTP/1.1 by node:http",
    kind: "http1",
    missing: undefined,
    open: async (sections, tls) => {
      const gateway = await startGateway({
        sections: { ...sections, http1_transport: transport },
        ...defined({ tls }),
      });
      const { port } = gateway;
      return directDoor(gateway, {
        ask: (request) => askHttp1(port, request),
        open: (request) => openHttp1(port, http1Text(request)),
      });
    },
  };
}

/** Straight to the gateway, over HTTP/2 by prior knowledge. */
function overHttp2(): WayIn {
  return {
    name: "over HTTP/2",
    kind: "http2",
    missing: undefined,
    open: async (sections, tls) => {
      const gateway = await startGateway({ sections, ...defined({ tls }) });
      const { port } = gateway;
      return directDoor(gateway, {
        ask: (request) => askHttp2(port, request),
        open: (request) => openHttp2(port, http2Frames(request), request.webSocket === true),
      });
    },
  };
}

function directDoor(gateway: TestGateway, asking: Pick<Door, "ask" | "open">): Door {
  const { port } = gateway;
  return { gateway, port, clientAddress: "127.0.0.1", ...asking, close: () => gateway.close() };
}

/** Through nginx, configured as docs/proxies.md says, whose address is a trusted proxy. */
function behindNginx(): WayIn {
  return {
    name: "behind nginx",
    kind: "nginx",
    missing: pathOf("nginx") === undefined ? "nginx" : undefined,
    open: async (sections) => {
      const gateway = await startGateway({
        sections: { ...sections, trusted_proxies: ["127.0.0.1"] },
      });
      const port = await freePort();
      const part = nginxInFront(port, gateway.port);
      const { stop } = await runProxy(proxyPrograms.nginx, part, port);
      // Not the proxy's own address: what origins are told is the client's.
      const clientAddress = "127.0.0.2";
      return {
        gateway,
        port,
        clientAddress,
        ask: (request) => askHttp1(port, closingBytes(request), clientAddress),
        open: (request) => openHttp1(port, http1Text(request), clientAddress),
        close: async () => {
          await stop();
          await gateway.close();
        },
      };
    },
  };
}

/**
 * Asks nginx to end the connection with its answer, in bytes of a test's own as well: whatever it
 * reads behind them would be a request of its reading, and nobody's attack on the gateway.
 */
function closingBytes(request: Request): Request {
  const { bytes } = request;
  if (bytes === undefined) return request;
  return { ...request, bytes: bytes.replace(/(Host: .*?)(\r?\n)/, "$1$2Connection: close$2") };
}

const proxiesDocument = readFileSync(new URL("../../docs/proxies.md", import.meta.url), "utf8");

/**
 * The block of the document without TLS. What nginx would drop or mend by itself it passes on, and
 * all clients share its connections to the gateway: what the gateway takes for two requests is then
 * somebody else's answer.
 */
function nginxInFront(port: number, gateway: number): string {
  const [, block = ""] = /^```nginx\n(.*?)^```/ms.exec(proxiesDocument) ?? [];
  const server = block
    .replace("listen 443 ssl", `listen 127.0.0.1:${port}`)
    .replaceAll(/^ *ssl_certificate.*\n/gm, "")
    .replaceAll(".example.com", ".localhost")
    .replace("http://127.0.0.1:8600", "http://gateway")
    // Both are good: so what a client says about itself arrives.
    .replace("$remote_addr", "$proxy_add_x_forwarded_for");
  return [
    ...["ignore_invalid_headers off;", "underscores_in_headers on;", "merge_slashes off;"],
    ...["large_client_header_buffers 4 128k;", "keepalive_timeout 60s;"],
    `upstream gateway { server 127.0.0.1:${gateway}; keepalive 4; }`,
    server,
  ].join("\n");
}

// HTTP/1.1, byte for byte.

/** Longer than any answer takes: a connection that stays open for so long is taken as it is. */
const patienceMs = 20_000;

function askHttp1(port: number, request: Request, localAddress?: string): Promise<WayAnswer> {
  const text = request.bytes ?? http1Text(request);
  return new Promise((resolve, reject) => {
    const address = { host: "127.0.0.1", port };
    const socket = connect(localAddress === undefined ? address : { ...address, localAddress });
    const chunks: Buffer[] = [];
    let isOpen = false;
    socket.setTimeout(patienceMs, () => {
      isOpen = true;
      socket.destroy();
    });
    socket.on("connect", () => socket.write(text, "latin1"));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      // Who asked for an upgrade may leave as soon as there is an answer.
      if (request.webSocket && Buffer.concat(chunks).includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => {
      const answer = readHttp1(Buffer.concat(chunks).toString("latin1"));
      resolve({ ...answer, isOpen });
    });
  });
}

/** The request as text; its connection ends with it, unless its own lines say otherwise. */
function http1Text(request: Request): string {
  const { method = "GET", target, host = "app.localhost", body = "", trailers } = request;
  const lines = [...(request.lines ?? [])];
  if (host !== null) lines.unshift(`Host: ${host}`);
  if (request.webSocket) lines.push("Connection: Upgrade", "Upgrade: websocket", ...webSocketLines);
  if (!says(lines, "connection")) lines.push("Connection: close");
  const head = (more: readonly string[]) =>
    [`${method} ${target} HTTP/1.1`, ...lines, ...more, "", ""].join("\r\n");
  if (trailers !== undefined) {
    const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
    return head(["Transfer-Encoding: chunked"]) + [`${chunk}0`, ...trailers, "", ""].join("\r\n");
  }
  const isFramed = says(lines, "content-length") || says(lines, "transfer-encoding");
  if (body === "" || isFramed) return head([]) + body;
  return head([`Content-Length: ${body.length}`]) + body;
}

const webSocketLines = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];

function says(lines: readonly string[], name: string): boolean {
  return lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
}

function readHttp1(raw: string): Omit<WayAnswer, "isOpen"> {
  // A go-ahead is no answer.
  const answer = raw.replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, "");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
  const end = answer.indexOf("\r\n\r\n");
  return {
    status: status === undefined ? undefined : Number(status),
    error: undefined,
    body: end < 0 ? "" : answer.slice(end + 4),
    raw,
  };
}

// HTTP/2, frame by frame.

async function askHttp2(port: number, request: Request): Promise<WayAnswer> {
  const client = await h2.FrameClient.open(port);
  try {
    client.send(...(request.frames ?? http2Frames(request)));
    const outcome = await client.outcome(1);
    const raw = client.frames.map(({ payload }) => payload.toString("latin1")).join("");
    return { ...outcome, raw, isOpen: false };
  } finally {
    client.close();
  }
}

/** The same request as the frames of stream 1. */
function http2Frames(request: Request): Buffer[] {
  const { body, trailers, webSocket = false } = request;
  const hasMore = body !== undefined || trailers !== undefined || webSocket;
  const frames = headerFrames(h2.block(http2Fields(request)), hasMore ? 0 : h2.flags.END_STREAM);
  if (body !== undefined)
    frames.push(h2.data(1, body, trailers === undefined ? h2.flags.END_STREAM : 0));
  if (trailers !== undefined)
    frames.push(...headerFrames(h2.block(trailers.map(fieldOf)), h2.flags.END_STREAM));
  return frames;
}

/** What every peer takes in one frame (RFC 9113 4.2). */
const largestPayload = 16_384;

/** A header block of stream 1, in as many frames as it needs. */
function headerFrames(block: Buffer, more: number): Buffer[] {
  const frames: Buffer[] = [];
  for (let start = 0; start === 0 || start < block.length; start += largestPayload) {
    const piece = block.subarray(start, start + largestPayload);
    const isLast = start + largestPayload >= block.length;
    const end = isLast ? h2.flags.END_HEADERS : 0;
    const isFirst = start === 0;
    frames.push(
      h2.frame(isFirst ? "HEADERS" : "CONTINUATION", isFirst ? end | more : end, 1, piece),
    );
  }
  return frames;
}

export function http2Fields(request: Request): h2.Field[] {
  const { target, host = "app.localhost", lines = [] } = request;
  const { method = request.webSocket ? "CONNECT" : "GET" } = request;
  const fields = h2.requestFields(host ?? "", target, lines.map(fieldOf), method);
  // RFC 8441: the tunnel begins behind the head.
  if (request.webSocket)
    return [[":protocol", "websocket"], ...fields, ["sec-websocket-version", "13"]];
  return host === null ? fields.filter(([name]) => name !== ":authority") : fields;
}

function fieldOf(line: string): h2.Field {
  const mark = line.indexOf(":");
  return [line.slice(0, mark).toLowerCase(), line.slice(mark + 1).trim()];
}
