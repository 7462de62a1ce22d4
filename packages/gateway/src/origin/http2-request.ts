// One request to an origin as a stream of an HTTP/2 session, and its answer. The stream begins when
// the session stands; until then nothing has left, and the body waits.
import { type ClientHttp2Stream, constants } from "node:http2";
import { atEndOfTurn } from "../http/end-of-turn.ts";
import { trailerFields } from "../http/trailer-fields.ts";
import { readHttp2Head, withoutPseudoHeaders } from "./http2-response.ts";
import type { OriginSession, WaitingRequest } from "./http2-session.ts";
import type {
  OriginEvents,
  OriginFault,
  OriginRequest,
  OriginRequestHead,
} from "./origin-request.ts";
import { ResponseFault } from "./response-fields.ts";
import { hasNoEnd, type OriginResponseHead } from "./response-head.ts";

/** Of the service that a request goes to. */
export interface Http2RequestOptions {
  scheme: "http" | "https";
  /** milliseconds for which an origin may pause in the middle of an answer */
  bodyTimeout: number;
}

/** Bound to one session at a time, where it has room. */
export class Http2Request implements OriginRequest, WaitingRequest {
  answered = false;
  refused = false;
  readonly #options: Http2RequestOptions;
  #session: OriginSession;
  #head: OriginRequestHead | undefined;
  /** undefined when nothing more may happen to the request */
  #events: OriginEvents | undefined;
  #stream: ClientHttp2Stream | undefined;
  /** pieces of the body that came before the session stood: few, since `write` says wait */
  #early: Buffer[] = [];
  #bodyTrailers: readonly string[] | undefined;
  #answerHead: OriginResponseHead | undefined;
  /** bytes of the body that the answer has announced and not sent yet */
  #remaining: number | undefined;
  #answerTrailers: string[] = [];
  #error: NodeJS.ErrnoException | undefined;
  #flushes = false;
  #paused = false;
  #answerDeadline: NodeJS.Timeout | undefined;
  #bodyDeadline: NodeJS.Timeout | undefined;

  constructor(session: OriginSession, options: Http2RequestOptions) {
    this.#session = session;
    this.#options = options;
    session.reserve();
  }

  get reused(): boolean {
    return this.#session.reused;
  }

  start(head: OriginRequestHead, events: OriginEvents): void {
    this.#head = head;
    this.#events = events;
    this.#session.whenStanding(this);
  }

  /** Waits for another session, before it was sent on this one. */
  moveTo(session: OriginSession): void {
    session.reserve();
    this.#session.release();
    this.#session = session;
    session.whenStanding(this);
  }

  submit(): void {
    this.#attempt(() => this.#open());
  }

  #open(): void {
    if (this.#head === undefined) return;
    const { framing } = this.#head;
    const stream = this.#session.open(headerList(this.#head, this.#options.scheme), {
      endStream: framing === "none",
      waitForTrailers: framing === "chunked",
    });
    this.#stream = stream;
    this.#listen(stream);
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) stream.write(chunk);
    if (this.#bodyTrailers !== undefined) stream.end();
    else if (early.length > 0) this.#events?.drain();
  }

  write(chunk: Buffer): boolean {
    if (this.#stream !== undefined) return this.#stream.write(chunk);
    this.#early.push(chunk);
    return false;
  }

  end(rawTrailers: readonly string[]): void {
    this.#bodyTrailers = rawTrailers;
    this.#stream?.end();
  }

  expectAnswer(ms: number): void {
    if (this.#answerHead !== undefined) return;
    clearTimeout(this.#answerDeadline);
    this.#answerDeadline = setTimeout(
      () => this.#break("response_timeout", `no answer within ${ms} ms`),
      ms,
    );
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
    clearTimeout(this.#bodyDeadline);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#stream?.resume();
    this.#expectMore();
  }

  /** The stream is over, and the session serves others anyway. */
  keep(): void {}

  destroy(): void {
    this.#events = undefined;
    this.#stopWaiting();
    if (this.#stream === undefined) this.#leave();
    else this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  fail(fault: OriginFault, detail: string): void {
    this.#leave();
    this.#break(fault, detail);
  }

  /** Was never sent. */
  #leave(): void {
    if (this.#head === undefined) return;
    this.#head = undefined;
    this.#session.leave(this);
    this.#session.release();
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on("headers", (headers) => {
      this.answered = true;
      this.#events?.information(headers[":status"] ?? 0, []);
    });
    stream.on("response", (headers, _flags, fields) => {
      this.answered = true;
      this.#attempt(() => this.#respond(stream, headers[":status"] ?? 0, fields));
    });
    stream.on("trailers", (_trailers, _flags, fields) =>
      this.#attempt(() => {
        this.#answerTrailers = withoutPseudoHeaders(fields);
      }),
    );
    stream.on("wantTrailers", () =>
      this.#attempt(() => stream.sendTrailers(trailerFields(this.#bodyTrailers ?? []))),
    );
    stream.on("drain", () => this.#events?.drain());
    stream.on("end", () => this.#end(stream));
    stream.on("error", (error) => {
      this.#error = error;
    });
    stream.on("close", () => this.#closed(stream));
  }

  #respond(stream: ClientHttp2Stream, status: number, fields: readonly string[]): void {
    const { head, framing } = readHttp2Head(status, fields);
    clearTimeout(this.#answerDeadline);
    this.#answerHead = head;
    const isBodiless = this.#head?.method === "HEAD" || status === 204 || status === 304;
    if (framing.kind === "length" && !isBodiless) this.#remaining = framing.length;
    this.#events?.head(head);
    stream.on("data", (chunk: Buffer) => this.#data(chunk));
    this.#flushLater();
    this.#expectMore();
  }

  #data(chunk: Buffer): void {
    if (this.#remaining !== undefined) this.#remaining -= chunk.length;
    this.#attempt(() => this.#events?.data(chunk));
    this.#flushLater();
    this.#expectMore();
  }

  /** What arrives together goes on together. */
  #flushLater(): void {
    if (this.#flushes) return;
    this.#flushes = true;
    atEndOfTurn(() => {
      this.#flushes = false;
      this.#attempt(() => this.#events?.flush());
    });
  }

  /** The rest of an answer is waited for, unless it is one that may pause without end. */
  #expectMore(): void {
    clearTimeout(this.#bodyDeadline);
    const head = this.#answerHead;
    const isWaiting = this.#events !== undefined && head !== undefined && !this.#paused;
    if (!isWaiting || hasNoEnd(head)) return;
    const { bodyTimeout } = this.#options;
    this.#bodyDeadline = setTimeout(
      () => this.#break("response_timeout", `the answer stopped for ${bodyTimeout} ms`),
      bodyTimeout,
    );
  }

  /** END_STREAM, or a reset with NO_ERROR: what was announced must be there. */
  #end(stream: ClientHttp2Stream): void {
    // node:http2 ends a stream that was reset or lost as well.
    if (this.#answerHead === undefined || stream.destroyed) return;
    if (this.#remaining !== undefined && this.#remaining !== 0) {
      this.#break("closed", "the answer is shorter than its Content-Length");
      return;
    }
    this.#stopWaiting();
    const events = this.#events;
    this.#events = undefined;
    events?.end(this.#answerTrailers);
  }

  #closed(stream: ClientHttp2Stream): void {
    this.refused = this.#session.hasRefused(stream);
    this.#session.release();
    const { rstCode } = stream;
    if (this.#session.isOver)
      this.#break("closed", this.#error?.message ?? "the origin closed the connection");
    else if (rstCode === constants.NGHTTP2_PROTOCOL_ERROR)
      this.#break("malformed", "the answer breaks the rules of HTTP/2 (RFC 9113 8.1.1)");
    else this.#break("closed", `the origin reset the stream (error code ${rstCode})`);
  }

  /** A fault of ours, too, is the end of this request and not of the process. */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#break("malformed", error instanceof ResponseFault ? error.message : String(error));
    }
  }

  #break(fault: OriginFault, detail: string): void {
    const events = this.#events;
    this.destroy();
    events?.fail(fault, detail);
  }

  #stopWaiting(): void {
    clearTimeout(this.#answerDeadline);
    clearTimeout(this.#bodyDeadline);
  }
}

/** Pseudo-headers and headers (RFC 9113 8.3.1): `Host` becomes `:authority`, cookies one field. */
function headerList(head: OriginRequestHead, scheme: string): string[] {
  const out: string[] = [":method", head.method, ":scheme", scheme, ":path", head.target];
  const cookies: string[] = [];
  const { rawHeaders } = head;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    const value = rawHeaders[index + 1] ?? "";
    if (name === "host") out.push(":authority", value);
    else if (name === "cookie") cookies.push(value);
    else out.push(name, value);
  }
  if (cookies.length > 0) out.push("cookie", cookies.join("; "));
  if (head.expectsContinue) out.push("expect", "100-continue");
  return out;
}
