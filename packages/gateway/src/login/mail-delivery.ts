// Messages with a short life, such as a PIN: what the server does not take for now is tried again
// while the message is of use, and the pages know whether mail goes out at all.
import { setTimeout as pause } from "node:timers/promises";
import type { Clock, Stopwatch } from "../clock.ts";
import type { RecordEvent } from "../observe/events.ts";
import { isAboutRecipient, isForNow, type Message, type SendMail } from "./mail.ts";

/**
 * The pauses before a message is tried again, milliseconds: soon, since most servers are back at
 * once, and once after five minutes, which servers want that do not know the sender (RFC 6647 5).
 */
export const defaultRetryDelays = [5_000, 25_000, 60_000, 90_000, 130_000];
/** Messages that wait to be tried again. One more is not. */
const pendingLimit = 500;
/** For how long a failure says something about the server, milliseconds. */
const troubleMs = 10 * 60_000;
const errorLength = 300;

/** What a delivery is made from. */
export interface MailDeliveryParts {
  sendMail: SendMail;
  retryDelays: readonly number[];
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
}

/** A message for one request. */
export interface Order {
  message: Message;
  /** of the request, for the log */
  ray: string;
  /** when the message is of no use any more, milliseconds since the epoch */
  expiresAt: number;
}

/** Sends messages in the background. */
export class MailDelivery {
  readonly #parts: MailDeliveryParts;
  /** messages that wait to be tried again */
  #pendingCount = 0;
  /** when the server last did not take a message (stopwatch); undefined when it took one since */
  #troubleAt: number | undefined;

  constructor(parts: MailDeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Whether the mail server has just not taken messages. It is said to everybody, whoever may have
   * a message: what was tried for one address is nobody's business.
   */
  isInTrouble(): boolean {
    const at = this.#troubleAt;
    return at !== undefined && at + troubleMs > this.#parts.elapsed();
  }

  /** Sends a message, after the turn that asks for it. Never throws. */
  send(order: Order): void {
    setImmediate(() => void this.#deliver(order));
  }

  async #deliver(order: Order): Promise<void> {
    const { retryDelays, now } = this.#parts;
    for (const delay of [...retryDelays, Number.POSITIVE_INFINITY]) {
      const error = await this.#attempt(order);
      if (error === undefined) {
        this.#parts.record({ event: "pin_sent" });
        return;
      }
      const isWorthIt = isForNow(error) && now() + delay < order.expiresAt;
      if (!isWorthIt || this.#pendingCount >= pendingLimit) {
        this.#report("mail_failed", order, error);
        return;
      }
      this.#report("mail_delayed", order, error);
      this.#pendingCount++;
      await pause(delay, undefined, { ref: false });
      this.#pendingCount--;
    }
  }

  /** @returns why the server did not take the message */
  async #attempt({ message }: Order): Promise<unknown> {
    try {
      await this.#parts.sendMail(message);
      this.#troubleAt = undefined;
      return undefined;
    } catch (error) {
      if (!isAboutRecipient(error)) this.#troubleAt = this.#parts.elapsed();
      return error ?? new Error("unknown");
    }
  }

  #report(event: "mail_delayed" | "mail_failed", { ray }: Order, error: unknown): void {
    this.#parts.record({ event, ray, error: String(error).slice(0, errorLength) });
  }
}
