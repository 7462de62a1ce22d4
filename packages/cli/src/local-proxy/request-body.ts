// The body of a local request on its way to the gateway, as it arrives and no faster than the
// gateway takes it. Its beginning is kept, so that a short one can be sent once more when the
// session had ended; of a long one nothing is left to send.
import type { IncomingMessage } from "node:http";
import type { GatewayRequest } from "./gateway-request.ts";
import { withoutOwnTrailers } from "./request-fields.ts";

/** Bytes: a call of an API fits, an upload does not. */
const mostKept = 64 * 1024;

/** A body that goes to one gateway request at a time. */
export class RequestBody {
  readonly #source: IncomingMessage;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #isWhole = true;
  #ended = false;
  #target: GatewayRequest | undefined;

  constructor(source: IncomingMessage) {
    this.#source = source;
  }

  /** Whether everything that was read of it is still there. */
  get canBeSentAgain(): boolean {
    return this.#isWhole;
  }

  /** Whether all of it has arrived. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Sends all of it, from its beginning. */
  sendTo(target: GatewayRequest): void {
    this.#target = target;
    const { body } = target;
    body.on("drain", this.#goOn);
    for (const chunk of this.#kept) body.write(chunk);
    if (this.#ended) {
      this.#finish();
      return;
    }
    this.#source.on("data", this.#pass);
    this.#source.on("end", this.#end);
    this.#goOn();
  }

  /** Sends no more of it to where it went. */
  stop(): void {
    this.#target?.body.off("drain", this.#goOn);
    this.#target = undefined;
    this.#source.off("data", this.#pass).off("end", this.#end).pause();
  }

  readonly #pass = (chunk: Buffer): void => {
    this.#keep(chunk);
    if (this.#target?.body.write(chunk) === false) this.#source.pause();
  };

  readonly #goOn = (): void => void this.#source.resume();

  readonly #end = (): void => {
    this.#ended = true;
    this.#finish();
  };

  #finish(): void {
    const trailers = withoutOwnTrailers(this.#source.rawTrailers);
    if (trailers.length > 0) this.#target?.trail(trailers);
    this.#target?.body.end();
  }

  #keep(chunk: Buffer): void {
    if (!this.#isWhole) return;
    this.#keptBytes += chunk.length;
    this.#isWhole = this.#keptBytes <= mostKept;
    if (this.#isWhole) this.#kept.push(chunk);
    else this.#kept = [];
  }
}
