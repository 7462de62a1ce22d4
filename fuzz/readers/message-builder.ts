// Puts the messages of a reader together from the events that parsers have in common.
import { type Message, type Outcome, plainFields, type Reading } from "../reading.ts";

interface Growing extends Message {
  fields: string[];
  trailers: string[] | undefined;
}

/** Collects what one parser says of one connection. */
export class MessageBuilder {
  readonly #messages: Growing[] = [];
  #current: Growing | undefined;

  /** A head is complete. @param rawFields names and values in turn */
  head(start: readonly string[], rawFields: readonly string[], last = false): void {
    const fields = plainFields(rawFields);
    this.#current = {
      start,
      fields,
      body: "",
      trailers: [],
      complete: false,
      end: undefined,
      last,
    };
    this.#messages.push(this.#current);
  }

  data(bytes: Buffer): void {
    if (this.#current !== undefined) this.#current.body += bytes.toString("latin1");
  }

  /** The message is complete. @param end bytes of the connection up to its end */
  end(rawTrailers: readonly string[], end?: number): void {
    if (this.#current === undefined) return;
    this.#current.trailers = plainFields(rawTrailers);
    this.#current.complete = true;
    this.#current.end = end;
    this.#current = undefined;
  }

  /** Where the last message has ended, for readers that say so afterwards. */
  endedAt(end: number): void {
    const last = this.#messages.at(-1);
    if (last !== undefined) last.end = end;
  }

  /** Whether a message has begun whose end was not seen. */
  get isInside(): boolean {
    return this.#current !== undefined;
  }

  /** Whether no message follows the last one. */
  get isClosed(): boolean {
    const last = this.#messages.at(-1);
    return last?.complete === true && last.last;
  }

  reading(outcome: Outcome, reason?: string): Reading {
    const messages = this.#messages;
    return reason === undefined ? { messages, outcome } : { messages, outcome, reason };
  }
}
