// The transport for HTTP/2 over node:http2, whose framing, compression and flow control it uses:
// one exchange for each stream. The head of a request is read in http2-head.ts.
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { trailerFields } from "./trailer-fields.ts";
import type {
  BodyReader,
  Exchange,
  RequestBody,
  RequestHead,
  ResponseHead,
  ResponseWriter,
} from "./transport.ts";
import { writeCopy } from "./write-buffers.ts";

/**
 * Bytes of one write: each tells that the client takes something, so a client that is slow and not
 * stuck must end one in the time that it has (`body_timeout`).
 */
const pieceLimit = 65_536;

/** One stream of node:http2 and the answer to it. */
export class NodeHttp2Exchange implements Exchange {
  readonly head: RequestHead;
  readonly response: NodeHttp2Response;
  readonly #stream: ServerHttp2Stream;
  #body: NodeHttp2Body | undefined;
  #onAbort: (() => void) | undefined;
  #watchesClose = false;

  constructor(stream: ServerHttp2Stream, head: RequestHead) {
    this.#stream = stream;
    this.head = head;
    this.response = new NodeHttp2Response(stream, head.method);
    // Whoever watches the stream is told by its end.
    stream.on("error", ignore);
    // Its trailers may be here before anybody asks for it.
    if (!stream.endAfterHeaders) this.#body = new NodeHttp2Body(stream);
  }

  get body(): RequestBody {
    this.#body ??= new NodeHttp2Body(this.#stream);
    return this.#body;
  }

  get onAbort(): (() => void) | undefined {
    return this.#onAbort;
  }

  set onAbort(listener: (() => void) | undefined) {
    this.#onAbort = listener;
    if (this.#watchesClose) return;
    this.#watchesClose = true;
    this.#stream.on("close", () => this.#closed());
  }

  /** A client that ends its side of the connection ends the session, and each stream with it. */
  abortWhenClientEnds(): void {}

  continue(): void {
    if (isOpen(this.#stream)) this.#stream.additionalHeaders({ ":status": 100 });
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  #closed(): void {
    if (this.response.finished) return;
    const listener = this.#onAbort;
    this.#onAbort = undefined;
    listener?.();
  }
}

/** A stream that asks to be a tunnel (RFC 8441). */
export class NodeHttp2Upgrade extends NodeHttp2Exchange implements Exchange {
  upgrade({ rawHeaders }: ResponseHead): Duplex {
    this.onAbort = undefined;
    return this.response.becomeTunnel(rawHeaders);
  }
}

class NodeHttp2Body implements RequestBody {
  readonly #stream: ServerHttp2Stream;
  #reader: BodyReader | undefined;
  #rawTrailers: readonly string[] = [];
  #flows = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.on("trailers", this.#keepTrailers);
  }

  get complete(): boolean {
    const stream = this.#stream;
    if (stream.endAfterHeaders || stream.readableEnded) return true;
    return stream.state.remoteClose === 1;
  }

  read(reader: BodyReader): void {
    this.#reader = reader;
    const stream = this.#stream;
    if (!this.#flows) {
      this.#flows = true;
      stream.on("data", (chunk: Buffer) => this.#reader?.data(chunk));
      stream.on("end", () => this.#end());
    }
    stream.resume();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  stop(): void {
    this.#reader = undefined;
  }

  readonly #keepTrailers = (_headers: unknown, _flags: number, rawTrailers: readonly string[]) => {
    this.#rawTrailers = rawTrailers;
  };

  /** A stream that is reset has an end as well, and is not complete. */
  #end(): void {
    if (!this.#stream.aborted) this.#reader?.end(this.#rawTrailers);
  }
}

/** The answer on one stream. */
class NodeHttp2Response implements ResponseWriter {
  onDrain: (() => void) | undefined;
  onFinish: ((status: number) => void) | undefined;
  /** pieces of the answer that the client has taken */
  taken = 0;
  /** whether another protocol follows the head of the answer */
  isTunnel = false;
  readonly #stream: ServerHttp2Stream;
  readonly #method: string;
  #head: ResponseHead | undefined;
  #onCut: ((status: number | undefined) => void) | undefined;
  #watchesDrain = false;
  /** the body is followed by trailers, if only by none */
  #endsWithTrailers = false;
  #rawTrailers: readonly string[] = [];

  constructor(stream: ServerHttp2Stream, method: string) {
    this.#stream = stream;
    this.#method = method;
    stream.once("finish", () => this.#finish());
  }

  get started(): boolean {
    return this.#head !== undefined;
  }

  get closed(): boolean {
    return this.isTunnel || !isOpen(this.#stream);
  }

  /** whether the whole answer is handed to the network */
  get finished(): boolean {
    // A client may reset its request with NO_ERROR, and Node ends the answer then.
    const { aborted, rstCode, writableFinished } = this.#stream;
    return writableFinished && !aborted && rstCode === constants.NGHTTP2_NO_ERROR;
  }

  get onCut(): ((status: number | undefined) => void) | undefined {
    return this.#onCut;
  }

  set onCut(listener: ((status: number | undefined) => void) | undefined) {
    this.#onCut = listener;
    this.#stream.once("close", () => {
      if (!this.finished && !this.isTunnel) this.#onCut?.(this.#head?.status);
    });
  }

  /** Other answers share the connection, and no rest of a request can be taken for the next one. */
  closeConnection(): void {}

  start(head: ResponseHead): void {
    this.#head = head;
  }

  flush(): void {
    this.#sendHead(false);
  }

  write(chunk: Buffer): boolean {
    this.#sendHead(false);
    if (!this.#takesBody()) return true;
    if (writeCopy(chunk, this.#writePieces)) return true;
    if (!this.#watchesDrain) {
      this.#watchesDrain = true;
      this.#stream.on("drain", () => this.onDrain?.());
    }
    return false;
  }

  end(last: string | Buffer = "", rawTrailers: readonly string[] = []): void {
    this.#rawTrailers = rawTrailers;
    this.#sendHead(last.length === 0 && rawTrailers.length === 0);
    if (!this.#takesBody()) return;
    if (last.length > 0) this.#writePieces(Buffer.from(last as Buffer));
    this.#stream.end();
  }

  /** @param onWritten called when the client has taken the last piece */
  readonly #writePieces = (bytes: Buffer, onWritten?: () => void): boolean => {
    const lastStart = Math.max(0, bytes.length - pieceLimit);
    let start = 0;
    for (; start < lastStart; start += pieceLimit)
      this.#stream.write(bytes.subarray(start, start + pieceLimit), this.#countTaken);
    const countLast = () => {
      this.#countTaken();
      onWritten?.();
    };
    return this.#stream.write(bytes.subarray(start), countLast);
  };

  readonly #countTaken = (): void => {
    this.taken++;
  };

  /** Answers with a head that nothing else follows but the tunnel. */
  becomeTunnel(rawHeaders: readonly string[]): Duplex {
    const stream = this.#stream;
    this.isTunnel = true;
    stream.once("close", () => this.onFinish?.(200));
    if (isOpen(stream)) stream.respond(fieldsOf(200, rawHeaders));
    return stream;
  }

  #takesBody(): boolean {
    return isOpen(this.#stream) && !this.#stream.writableEnded;
  }

  /** Sends the head, unless it is on its way. @param isWhole nothing follows it */
  #sendHead(isWhole: boolean): void {
    const stream = this.#stream;
    if (this.#head === undefined || stream.headersSent || !isOpen(stream)) return;
    const { status, rawHeaders } = this.#head;
    const fields = fieldsOf(status, rawHeaders);
    const endStream = isWhole || this.#method === "HEAD" || status === 204 || status === 304;
    // An answer of a stated length has no trailers, whoever wrote it (RFC 9110 6.5).
    const waitForTrailers = !endStream && !fields.includes("content-length");
    this.#endsWithTrailers = waitForTrailers;
    if (waitForTrailers) stream.once("wantTrailers", () => this.#sendTrailers());
    stream.respond(fields, { endStream, waitForTrailers });
  }

  #sendTrailers(): void {
    if (!isOpen(this.#stream)) return;
    this.#stream.sendTrailers(trailerFields(this.#rawTrailers));
    // node:http2 sends them in an immediate of its own, which comes first.
    setImmediate(() => this.#endRequest());
  }

  #finish(): void {
    // A tunnel ends each of its sides by itself.
    if (this.#head === undefined || this.isTunnel) return;
    if (this.finished) this.onFinish?.(this.#head.status);
    if (!this.#endsWithTrailers) this.#endRequest();
  }

  /** The answer is complete. If its request is not, nobody reads the rest (RFC 9113 8.1). */
  #endRequest(): void {
    const { remoteClose } = this.#stream.state;
    if (isOpen(this.#stream) && remoteClose === 0) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    // A stream whose reader has paused it would keep what has arrived, and never close.
    this.#stream.resume();
  }
}

function isOpen(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed;
}

function fieldsOf(status: number, rawHeaders: readonly string[]): string[] {
  const fields = [":status", String(status)];
  for (let index = 0; index < rawHeaders.length; index += 2)
    fields.push((rawHeaders[index] ?? "").toLowerCase(), rawHeaders[index + 1] ?? "");
  return fields;
}

function ignore(): void {}
