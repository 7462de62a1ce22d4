// The body of a request on its way to the origin: read no faster than the origin takes it, framed
// as it came, and not waited for without end.
import type { IncomingMessage } from "node:http";
import type { OriginConnection } from "../origin/origin-connection.ts";
import { sanitizeTrailers } from "./sanitize-headers.ts";

export interface RequestBodyOptions {
  request: IncomingMessage;
  connection: OriginConnection;
  /** without `Content-Length`: sent on in chunks, trailers after them */
  chunked: boolean;
  /** milliseconds for which a client may pause; what the origin holds back does not count */
  pauseLimit: number;
  /** milliseconds for which the origin may take nothing */
  takeLimit: number;
  onComplete: () => void;
  onStall: () => void;
  onUntaken: () => void;
}

export class RequestBody {
  /** all of it has been handed to the origin's connection */
  complete = false;
  readonly #options: RequestBodyOptions;
  #started = false;
  #patience: NodeJS.Timeout | undefined;

  constructor(options: RequestBodyOptions) {
    this.#options = options;
    // A client that goes away is noticed where its response closes.
    options.request.on("error", () => undefined);
  }

  /** @returns whether this call began it */
  start(): boolean {
    if (this.#started) return false;
    this.#started = true;
    const { request, pauseLimit, onStall } = this.#options;
    this.#patience = setTimeout(onStall, pauseLimit);
    request.on("data", this.#pass);
    request.on("end", this.#finish);
    return true;
  }

  get started(): boolean {
    return this.#started;
  }

  /** The origin takes more. */
  resume(): void {
    if (!this.#started || this.complete) return;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(this.#options.onStall, this.#options.pauseLimit);
    this.#options.request.resume();
  }

  /** Nobody wants the rest. */
  stop(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#options.request.off("data", this.#pass);
    this.#options.request.off("end", this.#finish);
  }

  readonly #pass = (chunk: Buffer): void => {
    const { request, connection, chunked, pauseLimit, takeLimit, onStall, onUntaken } =
      this.#options;
    const more = chunked ? connection.writeChunk(chunk) : connection.write(chunk);
    clearTimeout(this.#patience);
    if (more) this.#patience = setTimeout(onStall, pauseLimit);
    else {
      request.pause();
      this.#patience = setTimeout(onUntaken, takeLimit);
    }
  };

  readonly #finish = (): void => {
    clearTimeout(this.#patience);
    const { request, connection, chunked, onComplete } = this.#options;
    if (chunked) connection.endChunks(sanitizeTrailers(request.rawTrailers));
    this.complete = true;
    onComplete();
  };
}
