// The transport for HTTP/1.0 and 1.1 over node:http, whose parser and framing it uses. Made once
// for each request, so it holds no more than a few references; what few requests need (a body, a
// client that reads slowly) is set up when it is asked for.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { canonicalPeer } from "../network.ts";
import { atEndOfTurn } from "./end-of-turn.ts";
import type {
  BodyReader,
  Exchange,
  RequestBody,
  RequestHead,
  ResponseHead,
  ResponseWriter,
} from "./transport.ts";
import { writeCopy } from "./write-buffers.ts";

/** Bytes up to which the last piece of an answer is copied into the write of its head. */
const joinedLimit = 65_536;

/** What the server knows of its connections. */
export interface ConnectionRules {
  /** Whether the answer that begins is the last one of its connection. */
  isLast(socket: Socket | null): boolean;
  /** What follows on this connection is no HTTP. */
  beginTunnel(socket: Socket): void;
  /** milliseconds after an answer for which the rest of its request's body may still arrive */
  restTimeout: number;
}

/** One request of node:http and the answer to it. */
export class NodeHttp1Exchange implements Exchange {
  readonly head: RequestHead;
  readonly response: ResponseWriter;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #rules: ConnectionRules;
  #body: NodeHttp1Body | undefined;
  #onAbort: (() => void) | undefined;
  #watchesClose = false;

  /** @param upgrade as RequestHead has it */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    rules: ConnectionRules,
    upgrade?: string,
  ) {
    this.#request = request;
    this.#response = response;
    this.#rules = rules;
    this.head = {
      method: request.method ?? "",
      target: request.url ?? "",
      version: versionOf(request),
      rawHeaders: request.rawHeaders,
      upgrade,
      peer: peerOf(request.socket),
    };
    this.response = new NodeHttp1Response(response, rules);
  }

  get body(): RequestBody {
    if (this.#body !== undefined) return this.#body;
    this.#body = new NodeHttp1Body(this.#request);
    this.#response.once("finish", () => endRest(this.#request, this.#rules.restTimeout));
    return this.#body;
  }

  get onAbort(): (() => void) | undefined {
    return this.#onAbort;
  }

  set onAbort(listener: (() => void) | undefined) {
    this.#onAbort = listener;
    if (this.#watchesClose) return;
    this.#watchesClose = true;
    this.#response.on("close", () => this.#closed());
  }

  abortWhenClientEnds(): void {
    const { socket } = this.#request;
    const abort = () => this.destroy();
    socket.once("end", abort);
    this.#response.once("close", () => socket.off("end", abort));
    if (socket.readableEnded) abort();
  }

  continue(): void {
    this.#response.writeContinue();
  }

  destroy(): void {
    this.#response.destroy();
  }

  #closed(): void {
    if (this.#response.writableFinished) return;
    const listener = this.#onAbort;
    this.#onAbort = undefined;
    listener?.();
  }
}

class NodeHttp1Body implements RequestBody {
  readonly #request: IncomingMessage;
  #reader: BodyReader | undefined;
  #flows = false;

  constructor(request: IncomingMessage) {
    this.#request = request;
    // A client that goes away is noticed where its response closes.
    request.on("error", ignore);
  }

  get complete(): boolean {
    return this.#request.complete;
  }

  read(reader: BodyReader): void {
    this.#reader = reader;
    const request = this.#request;
    if (!this.#flows) {
      this.#flows = true;
      request.on("data", (chunk: Buffer) => this.#reader?.data(chunk));
      request.on("end", () => this.#reader?.end(request.rawTrailers));
    }
    request.resume();
  }

  pause(): void {
    this.#request.pause();
  }

  resume(): void {
    this.#request.resume();
  }

  stop(): void {
    this.#reader = undefined;
  }
}

class NodeHttp1Response implements ResponseWriter {
  onDrain: (() => void) | undefined;
  readonly #response: ServerResponse;
  readonly #rules: ConnectionRules;
  #onFinish: ((status: number) => void) | undefined;
  #onCut: ((status: number | undefined) => void) | undefined;
  #watchesDrain = false;

  constructor(response: ServerResponse, rules: ConnectionRules) {
    this.#response = response;
    this.#rules = rules;
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get closed(): boolean {
    return this.#response.destroyed;
  }

  get onFinish(): ((status: number) => void) | undefined {
    return this.#onFinish;
  }

  set onFinish(listener: ((status: number) => void) | undefined) {
    this.#onFinish = listener;
    this.#response.once("finish", () => this.#onFinish?.(this.#response.statusCode));
  }

  get onCut(): ((status: number | undefined) => void) | undefined {
    return this.#onCut;
  }

  set onCut(listener: ((status: number | undefined) => void) | undefined) {
    this.#onCut = listener;
    this.#response.once("close", () => this.#closed());
  }

  closeConnection(): void {
    this.#response.shouldKeepAlive = false;
  }

  start({ status, reason, rawHeaders }: ResponseHead): void {
    if (this.#rules.isLast(this.#response.socket)) this.closeConnection();
    // Node copies the list and does not change it.
    this.#response.writeHead(status, reason, rawHeaders as string[]);
  }

  flush(): void {
    this.#response.flushHeaders();
  }

  write(chunk: Buffer): boolean {
    const response = this.#response;
    if (writeCopy(chunk, (copy, onWritten) => response.write(copy, onWritten))) return true;
    if (!this.#watchesDrain) {
      this.#watchesDrain = true;
      response.on("drain", () => this.onDrain?.());
    }
    return false;
  }

  end(last?: string | Buffer, rawTrailers: readonly string[] = []): void {
    const response = this.#response;
    if (rawTrailers.length > 0) response.addTrailers(pairs(rawTrailers));
    if (last === undefined || typeof last === "string") {
      atEndOfTurn(() => response.end(last));
    } else if (last.length > joinedLimit) {
      response.end(Buffer.from(last));
    } else {
      // Head and body as one string are one write, where head and buffer would be several.
      const text = last.toString("latin1");
      atEndOfTurn(() => response.end(text, "latin1"));
    }
  }

  #closed(): void {
    const { headersSent, statusCode, writableFinished } = this.#response;
    if (!writableFinished) this.#onCut?.(headersSent ? statusCode : undefined);
  }
}

/**
 * An answer may come before its request is complete. The rest of the body is read and dropped, but
 * not without end: nothing else looks after a connection in the middle of a body.
 */
function endRest(request: IncomingMessage, restTimeout: number): void {
  const { complete, socket } = request;
  if (complete || socket.destroyed) return;
  request.resume();
  const deadline = setTimeout(() => socket.destroy(), restTimeout);
  const stop = () => {
    clearTimeout(deadline);
    socket.off("close", stop);
  };
  request.once("close", stop);
  // Node does not tell a request whose answer has ended that its connection has as well.
  socket.once("close", stop);
}

/** The parser lets 0.9 and 2.0 through as well, with the framing of 1.1. */
function versionOf({ httpVersion }: IncomingMessage): RequestHead["version"] {
  return httpVersion === "1.1" || httpVersion === "1.0" ? httpVersion : "other";
}

function peerOf(socket: Socket): string | undefined {
  const address = socket.remoteAddress;
  return address === undefined ? undefined : canonicalPeer(address);
}

function pairs(fields: readonly string[]): [string, string][] {
  const entries: [string, string][] = [];
  for (let index = 0; index < fields.length; index += 2)
    entries.push([fields[index] ?? "", fields[index + 1] ?? ""]);
  return entries;
}

function ignore(): void {}
