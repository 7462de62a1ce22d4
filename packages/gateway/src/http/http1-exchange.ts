// One request of HTTP/1.1 on a connection of our own, and the answer to it. The body waits here
// until somebody reads it, as far as it has arrived; what it waits for holds the client back.
import type { Duplex } from "node:stream";
import { type AnswerSink, Http1Response } from "./http1-response.ts";
import type { MessageHead } from "./request-framing.ts";
import type { BodyReader, Exchange, RequestBody, RequestHead, ResponseHead } from "./transport.ts";

/** Bytes, and pieces, of a body that may wait for its reader. */
const waitingBytes = 65_536;
const waitingPieces = 16;

/** The connection as its exchanges see it. */
export interface ExchangeConnection extends AnswerSink {
  readonly peer: string | undefined;
  /** whether the client has shut its sending side */
  readonly isClientEnded: boolean;
  /** Reads no more of the body. */
  holdBody(): void;
  releaseBody(): void;
  sendContinue(): void;
  /** Answers with this head, and gives what follows. */
  becomeTunnel(head: ResponseHead, protocol: string): Duplex;
}

/** One request and the answer to it. */
export class Http1Exchange implements Exchange, RequestBody {
  readonly head: RequestHead;
  readonly response: Http1Response;
  onAbort: (() => void) | undefined;
  /** whether a client that shuts its sending side is gone */
  abortsWithClient = false;
  complete = false;
  /** whether the client has said that nothing follows its request */
  readonly endsConnection: boolean;
  protected readonly connection: ExchangeConnection;
  #reader: BodyReader | undefined;
  #flows = false;
  /** pieces that arrived before anybody read them */
  #pieces: Buffer[] | undefined;
  #bytes = 0;
  #rawTrailers: readonly string[] | undefined;
  /** whether it has ended: from then on the connection may be at another request */
  #isOver = false;

  constructor(connection: ExchangeConnection, head: MessageHead) {
    this.connection = connection;
    this.endsConnection = !head.persistent;
    this.head = {
      method: head.method,
      target: head.target,
      version: head.version,
      rawHeaders: head.rawHeaders,
      upgrade: head.upgrade?.toLowerCase(),
      peer: connection.peer,
    };
    this.response = new Http1Response(connection, head);
  }

  get body(): RequestBody {
    return this;
  }

  abortWhenClientEnds(): void {
    if (this.#isOver) return;
    this.abortsWithClient = true;
    if (this.connection.isClientEnded) this.destroy();
  }

  continue(): void {
    const isLate = this.#isOver || this.response.started || this.complete;
    if (!isLate && this.head.version === "1.1") this.connection.sendContinue();
  }

  destroy(): void {
    if (!this.#isOver) this.connection.destroy();
  }

  // The body, as who answers the request reads it.

  read(reader: BodyReader): void {
    this.#reader = reader;
    this.resume();
  }

  pause(): void {
    this.#flows = false;
    if (!this.complete && !this.#isOver) this.connection.holdBody();
  }

  resume(): void {
    if (this.#isOver) return;
    this.#flows = true;
    for (let piece = this.#pieces?.shift(); piece !== undefined; piece = this.#pieces?.shift()) {
      this.#bytes -= piece.length;
      this.#reader?.data(piece);
      if (!this.#flows) return;
    }
    if (this.complete) this.#tellEnd();
    else this.connection.releaseBody();
  }

  stop(): void {
    this.#reader = undefined;
  }

  // The body, as the connection brings it.

  /** @param piece stays as it is */
  receive(piece: Buffer): void {
    if (this.#flows) {
      this.#reader?.data(piece);
      return;
    }
    this.#pieces ??= [];
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const isFull = this.#bytes >= waitingBytes || this.#pieces.length >= waitingPieces;
    if (isFull) this.connection.holdBody();
  }

  receiveEnd(rawTrailers: readonly string[]): void {
    this.complete = true;
    this.#rawTrailers = rawTrailers;
    if (this.#flows) this.#tellEnd();
  }

  #tellEnd(): void {
    const rawTrailers = this.#rawTrailers;
    const reader = this.#reader;
    if (rawTrailers === undefined || reader === undefined) return;
    this.#rawTrailers = undefined;
    reader.end(rawTrailers);
  }

  // How it ends, as the connection sees it.

  finish(): void {
    const { response } = this;
    this.#isOver = true;
    this.onAbort = undefined;
    response.onFinish?.(response.status ?? 0);
  }

  /** The connection has ended before the answer. */
  cut(): void {
    const { onAbort, response } = this;
    this.#isOver = true;
    this.onAbort = undefined;
    onAbort?.();
    response.onCut?.(response.status);
  }
}

/** A request that asks to go on with another protocol, and may. */
export class Http1Upgrade extends Http1Exchange implements Exchange {
  readonly #protocol: string;

  constructor(connection: ExchangeConnection, head: MessageHead, protocol: string) {
    super(connection, head);
    this.#protocol = protocol;
  }

  upgrade(head: ResponseHead): Duplex {
    this.onAbort = undefined;
    return this.connection.becomeTunnel(head, this.#protocol);
  }
}
