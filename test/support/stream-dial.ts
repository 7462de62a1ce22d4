// WebSockets to stream services, as programs open them: with the `ws` package, which shares nothing
// with the gateway's own codec, or byte for byte.
import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { type ClientOptions, WebSocket } from "ws";

/** One WebSocket, and what came of it. */
export interface Client {
  socket: WebSocket;
  /** bytes of binary frames so far, and how many of the frames were empty */
  received(): string;
  emptyFrames(): number;
  /** resolves when it is open, with the subprotocol; rejects with the answer's status */
  opened: Promise<string>;
  closed: Promise<{ code: number; reason: string }>;
}

export interface Dialled {
  host?: string;
  headers?: Record<string, string>;
  protocols?: string[];
  options?: ClientOptions;
}

/** An answer in place of a WebSocket. */
export class NotOpened extends Error {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;

  constructor(status: number, headers: NotOpened["headers"], body: string) {
    super(`answered ${status}: ${body}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

export function dial(port: number, asked: Dialled = {}): Client {
  const { host = "db.localhost", headers = {}, protocols = [], options = {} } = asked;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, {
    perMessageDeflate: false,
    ...options,
    headers: { Host: `${host}:${port}`, ...headers },
  });
  const pieces: Buffer[] = [];
  let emptyFrames = 0;
  socket.on("message", (data: Buffer) => {
    if (data.length === 0) emptyFrames += 1;
    pieces.push(data);
  });
  const opened = Promise.withResolvers<string>();
  socket.on("open", () => opened.resolve(socket.protocol));
  socket.on("error", (error) => opened.reject(error));
  socket.on("unexpected-response", (_request, response) => {
    let body = "";
    response.on("data", (piece: Buffer) => {
      body += piece.toString();
    });
    response.on("end", () =>
      opened.reject(new NotOpened(response.statusCode ?? 0, response.headers, body)),
    );
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  opened.promise.catch(() => undefined);
  return {
    socket,
    received: () => Buffer.concat(pieces).toString("latin1"),
    emptyFrames: () => emptyFrames,
    opened: opened.promise,
    closed,
  };
}

/** The answer that a dial got in place of a WebSocket. */
export async function refusedDial(port: number, asked: Dialled = {}): Promise<NotOpened> {
  try {
    await dial(port, asked).opened;
  } catch (error) {
    if (error instanceof NotOpened) return error;
    throw error;
  }
  throw new Error("the WebSocket was opened");
}

/** What came back on a connection whose client writes byte for byte. */
export interface RawClient {
  socket: Socket;
  /** resolves when the WebSocket is open */
  opened: Promise<void>;
  /** the head of the answer that was none */
  answer: Promise<{ status: number; text: string }>;
  /** when the connection has ended: the code of the close frame */
  ended: Promise<{ closeCode: number | undefined }>;
}

/** Sends a request with these lines. @param rest what follows at once */
export function rawDial(port: number, host: string, lines: string[], rest = ""): RawClient {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    ["GET / HTTP/1.1", `Host: ${host}:${port}`, ...lines, "", ""].join("\r\n") + rest,
    "latin1",
  );
  const pieces: Buffer[] = [];
  const bytes = () => Buffer.concat(pieces);
  const opened = Promise.withResolvers<void>();
  let isOpen = false;
  socket.on("data", (piece) => {
    pieces.push(piece);
    if (isOpen || !bytes().includes("\r\n\r\n") || statusIn(bytes()) !== 101) return;
    isOpen = true;
    opened.resolve();
  });
  const ended = once(socket, "close").then(() => {
    const all = bytes();
    // The close frame is the last one, and short.
    const at = all.lastIndexOf(0x88);
    const isBehindHead = at > all.indexOf("\r\n\r\n");
    return { closeCode: isBehindHead ? all.readUInt16BE(at + 2) : undefined };
  });
  socket.on("end", () => socket.end());
  const answer = once(socket, "close").then(() => ({
    status: statusIn(bytes()),
    text: bytes().toString("latin1"),
  }));
  return { socket, opened: opened.promise, answer, ended };
}

function statusIn(bytes: Buffer): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(bytes.toString("latin1", 0, 12))?.[1]);
}

/** Resolves when the request of a dial is on its way. */
export async function begun(client: Client): Promise<void> {
  const request = (client.socket as unknown as { _req?: ClientRequest })._req;
  if (request !== undefined && !request.writableFinished) await once(request, "finish");
}
