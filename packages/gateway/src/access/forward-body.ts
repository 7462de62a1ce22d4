// The body of a request on its way to the origin: read no faster than the origin takes it, and not
// waited for without end.
import { Deadline } from "../deadline.ts";
import type { BodyReader, RequestBody } from "../http/transport.ts";
import type { OriginRequest } from "../origin/origin-request.ts";
import { sanitizeTrailers } from "./sanitize-headers.ts";

/** Where a body comes from and goes to, and how long each side may pause. */
export interface ForwardedBodyOptions {
  body: RequestBody;
  request: OriginRequest;
  /**
   * milliseconds for which a client may pause, other than because the origin takes nothing;
   * infinite: for any time
   */
  clientPauseLimit: number;
  /** milliseconds for which the origin may take nothing */
  originPauseLimit: number;
}

/** What becomes of the body. Each is called at most once. */
export interface ForwardedBodyEvents {
  bodySent(): void;
  clientStalled(): void;
  originStalled(): void;
}

/** The body of one request. Waits for the slower side, and for neither without end. */
export class ForwardedBody implements BodyReader {
  /** whether all of it has been handed to the origin's connection */
  complete = false;
  started = false;
  readonly #options: ForwardedBodyOptions;
  readonly #events: ForwardedBodyEvents;
  /** for the side that is waited for */
  readonly #deadline = new Deadline(() => this.#stalled());
  #waitsForOrigin = false;

  constructor(options: ForwardedBodyOptions, events: ForwardedBodyEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Lets the body flow. Not twice. */
  start(): void {
    this.started = true;
    this.#expectClient();
    this.#options.body.read(this);
  }

  /** The origin takes more. */
  resume(): void {
    if (!this.started || this.complete) return;
    this.#expectClient();
    this.#options.body.resume();
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#deadline.end();
    if (this.started) this.#options.body.stop();
  }

  data(chunk: Buffer): void {
    const { body, request } = this.#options;
    if (request.write(chunk)) {
      this.#expectClient();
    } else {
      body.pause();
      this.#expectOrigin();
    }
  }

  end(rawTrailers: readonly string[]): void {
    this.#deadline.end();
    this.#options.request.end(sanitizeTrailers(rawTrailers));
    this.complete = true;
    this.#events.bodySent();
  }

  #expectClient(): void {
    this.#waitsForOrigin = false;
    this.#deadline.set(this.#options.clientPauseLimit);
  }

  #expectOrigin(): void {
    this.#waitsForOrigin = true;
    this.#deadline.set(this.#options.originPauseLimit);
  }

  #stalled(): void {
    if (this.#waitsForOrigin) this.#events.originStalled();
    else this.#events.clientStalled();
  }
}
