// Web-standard handlers behind a transport: an exchange becomes a `Request` (Fetch), and the
// `Response` to it an answer. Bodies stream in both directions, no faster than they are read.
import type { UnderlyingSource } from "node:stream/web";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { endAndLinger } from "./linger.ts";
import type { BodyReader, Exchange, RequestHead, ResponseWriter } from "./transport.ts";

/**
 * Answers a request of the Fetch standard, as Hono's `app.fetch` does.
 * @param isWritten becomes true once the whole answer is handed to the network, and false when the
 * client goes away before
 */
export type WebHandler = (
  request: Request,
  isWritten: Promise<boolean>,
) => Response | Promise<Response>;

/** What an exchange does not say of itself. */
export interface WebRequestOptions {
  /** what the handler sees as the request's URL */
  url: string;
  /** milliseconds that a client has for the whole of a body, from when it is first read */
  bodyTimeout: number;
  /** whether the handler waits for something, and must know at once that nobody else does */
  isHeld: boolean;
}

/**
 * Answers an exchange with what the handler makes of it. The request's signal is aborted when the
 * client goes away.
 * @throws what the handler throws, also while its answer streams; TypeError when `url` is none
 */
export async function answerExchange(
  exchange: Exchange,
  options: WebRequestOptions,
  handler: WebHandler,
): Promise<void> {
  const client = new AbortController();
  const outcome = Promise.withResolvers<boolean>();
  const abort = () => {
    client.abort();
    outcome.resolve(false);
  };
  const finish = () => outcome.resolve(true);
  exchange.onAbort = abort;
  if (options.isHeld) exchange.abortWhenClientEnds();
  exchange.response.onFinish = finish;
  const answer = await handler(toRequest(exchange, options, client.signal), outcome.promise);
  if (exchange.response.closed) await answer.body?.cancel();
  else await sendResponse(exchange, answer, client.signal);
}

function toRequest(
  exchange: Exchange,
  { url, bodyTimeout }: WebRequestOptions,
  signal: AbortSignal,
): Request {
  const { method } = exchange.head;
  const headers = toHeaders(exchange.head);
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });

  const source = new BodySource(exchange, bodyTimeout);
  signal.addEventListener("abort", () => source.fail(signal.reason));
  const body = new ReadableStream(source, { highWaterMark: 0 });
  return new Request(url, { method, headers, signal, body, duplex: "half" });
}

function toHeaders({ rawHeaders }: RequestHead): Headers {
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  return headers;
}

/**
 * The body of a request as a stream. The client sends only while somebody reads it. All that is
 * read here is short: a client that sends a byte now and then must not hold what is held for it.
 */
class BodySource implements UnderlyingSource<Uint8Array>, BodyReader {
  readonly #exchange: Exchange;
  readonly #bodyTimeout: number;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, bodyTimeout: number) {
    this.#exchange = exchange;
    this.#bodyTimeout = bodyTimeout;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  pull(): void {
    const { body } = this.#exchange;
    if (this.#deadline !== undefined) {
      body.resume();
      return;
    }
    this.#deadline = setTimeout(() => this.#exchange.destroy(), this.#bodyTimeout);
    body.read(this);
  }

  data(chunk: Buffer): void {
    this.#exchange.body.pause();
    this.#controller?.enqueue(chunk);
  }

  end(): void {
    clearTimeout(this.#deadline);
    this.#controller?.close();
  }

  cancel(): void {
    clearTimeout(this.#deadline);
    this.#exchange.body.stop();
  }

  /** The client is gone: who reads the body is told so. */
  fail(reason: unknown): void {
    this.cancel();
    this.#controller?.error(reason);
  }
}

type Pieces = ReadableStreamDefaultReader<Uint8Array>;

async function sendResponse(
  exchange: Exchange,
  answer: Response,
  signal: AbortSignal,
): Promise<void> {
  const pieces = answer.body?.getReader();
  signal.addEventListener("abort", () => void pieces?.cancel().catch(() => undefined));

  // 1. A body that is there at once is sent with its length; most are, pages above all.
  let piece = await nextPiece(pieces);
  let following = piece && nextPiece(pieces);
  const isWhole = (await Promise.race([following, endOfTurn("later")])) === undefined;

  // 2. A request that nobody reads to its end costs its connection.
  const { body, response } = exchange;
  const isUnread = !body.complete;
  if (isUnread) response.closeConnection();
  const length = isWhole ? (piece?.length ?? 0) : undefined;
  response.start({ status: answer.status, rawHeaders: rawHeadersOf(exchange, answer, length) });

  // 3. Any other body goes out piece by piece.
  while (!isWhole && piece !== undefined) {
    if (!response.write(piece)) await drain(response, signal);
    piece = await following;
    following = piece && nextPiece(pieces);
  }
  if (isUnread) endAndLinger(exchange, piece ?? Buffer.alloc(0));
  else response.end(piece);
}

async function nextPiece(pieces: Pieces | undefined): Promise<Buffer | undefined> {
  const next = await pieces?.read();
  return next?.value && Buffer.from(next.value);
}

function rawHeadersOf({ head }: Exchange, answer: Response, length: number | undefined): string[] {
  // Each cookie is a pair of its own here, as it must be on the wire.
  const rawHeaders = [...answer.headers].flat();
  const isBodiless = head.method === "HEAD" || answer.status === 204 || answer.status === 304;
  if (length !== undefined && !isBodiless && !answer.headers.has("content-length"))
    rawHeaders.push("content-length", String(length));
  return rawHeaders;
}

/** Resolves when the client takes more, or is gone. */
function drain(response: ResponseWriter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.onDrain = resolve;
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
