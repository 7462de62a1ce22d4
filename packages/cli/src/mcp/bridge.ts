// MCP between the standard streams of an agent and a server over HTTP ("Streamable HTTP", revisions
// 2025-03-26 to 2026-07-28). Each message of the agent is a request of its own, and many are on
// their way at once; what the server says goes to the agent as it comes. Whatever goes wrong is the
// answer of the request that it happened to: an error with its id, and a sentence.
import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "../exit-status.ts";
import { wordsOf } from "./answers.ts";
import type { Endpoint } from "./endpoint.ts";
import {
  errorCodes,
  errorText,
  fieldOf,
  largestMessage,
  type Message,
  type MessageId,
  type MessagePart,
  readMessage,
  requestIds,
} from "./json-rpc.ts";
import { statedRevision } from "./request-fields.ts";
import { Session } from "./session.ts";
import { Standalone } from "./standalone.ts";

export interface BridgeParts {
  endpoint: Endpoint;
  /** gives the agent one message; waits while the agent is slow to read */
  write(text: string): Promise<void>;
  /** says something to the person, who may not be there */
  tell(line: string): void;
}

/** Messages under way: more than any agent has. */
const mostAtOnce = 1_000;

/** For how long the server is told of the end, milliseconds. */
const endingTime = 2_000;

/** One message on its way, and the requests in it that have no answer yet. */
interface Exchange {
  message: Message;
  /** of a message that stands alone; undefined for one of the session */
  revision: string | undefined;
  waiting: Map<string, MessageId>;
  ending: AbortController;
}

export class Bridge {
  readonly #parts: BridgeParts;
  readonly #session: Session;
  readonly #standalone: Standalone;
  readonly #exchanges = new Map<Exchange, Promise<void>>();
  /** what the next message of the session waits for: the handshake, and notifications */
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: BridgeParts) {
    this.#parts = parts;
    const { endpoint, tell } = parts;
    const handOn = (message: Message) => this.#handOn(message);
    this.#session = new Session({ endpoint, handOn, tell });
    this.#standalone = new Standalone(endpoint, tell);
  }

  /**
   * Takes a line of the agent.
   * @param line undefined for one that is too long to be read
   */
  receive(line: string | undefined): void {
    const message = line === undefined ? undefined : readMessage(line);
    if (message === undefined) this.#refuse(line);
    else if (!this.#cancelStandalone(message)) this.#take(message);
  }

  #take(message: Message): void {
    const exchange = {
      message,
      revision: statedRevision(message),
      waiting: new Map(requestIds(message).map((id) => [keyOf(id), id])),
      ending: new AbortController(),
    };
    const isFull = this.#exchanges.size >= mostAtOnce;
    const work = isFull ? this.#refuseExchange(exchange) : this.#carryInTurn(exchange);
    this.#exchanges.set(exchange, work);
    void work.then(() => this.#exchanges.delete(exchange));
  }

  /**
   * Ends: answers may still come for a while, then everything is broken off.
   * @param patience milliseconds
   */
  async end(patience: number): Promise<void> {
    const lastAnswers = Promise.all(this.#exchanges.values());
    await Promise.race([lastAnswers, delay(patience, undefined, { ref: false })]);
    for (const exchange of this.#exchanges.keys()) forget(exchange);
    await this.#session.end(AbortSignal.timeout(endingTime));
    this.#parts.endpoint.close();
  }

  #refuse(line: string | undefined): void {
    const tooLong = `a message has at most ${largestMessage} bytes`;
    const message = line === undefined ? tooLong : "this is no message of JSON-RPC 2.0";
    void this.#parts.write(errorText(null, { code: errorCodes.invalid, message }));
  }

  #refuseExchange(exchange: Exchange): Promise<void> {
    const error = new CliError("failure", `more than ${mostAtOnce} messages are under way`);
    return this.#fail(exchange, error);
  }

  /** A request that stands alone is cancelled by the end of its connection, and by nothing else. */
  #cancelStandalone(message: Message): boolean {
    const cancelled = this.#cancelledBy(message);
    if (cancelled?.revision === undefined) return false;
    forget(cancelled);
    return true;
  }

  #cancelledBy({ parts: [part] }: Message): Exchange | undefined {
    if (part?.method !== "notifications/cancelled") return undefined;
    const id = fieldOf(fieldOf(part.body, "params"), "requestId");
    return typeof id === "string" || typeof id === "number" ? this.#exchangeOf(id) : undefined;
  }

  #exchangeOf(id: MessageId): Exchange | undefined {
    return [...this.#exchanges.keys()].find(({ waiting }) => waiting.has(keyOf(id)));
  }

  #carryInTurn(exchange: Exchange): Promise<void> {
    if (exchange.revision !== undefined) return this.#carry(exchange);
    const work = this.#turn.then(() => this.#carry(exchange));
    if (othersWaitFor(exchange.message)) this.#turn = work;
    return work;
  }

  /** From the message to its answers. Never fails: what goes wrong is the answer. */
  async #carry(exchange: Exchange): Promise<void> {
    const { message, waiting } = exchange;
    const isRequest = waiting.size > 0;
    try {
      for await (const answer of this.#answersTo(exchange)) {
        await this.#handOn(answer);
        if (isRequest && waiting.size === 0) break;
      }
      if (waiting.size > 0) throw this.#brokenOff();
      // The server need not end the stream of a request that was cancelled.
      const cancelled = this.#cancelledBy(message);
      if (cancelled !== undefined) forget(cancelled);
    } catch (error) {
      await this.#fail(exchange, error);
    }
  }

  #answersTo({ message, revision, ending: { signal } }: Exchange): AsyncIterable<Message> {
    if (revision === undefined) return this.#session.answersTo(message, signal);
    return this.#standalone.answersTo(message, revision, signal);
  }

  #brokenOff(): CliError {
    const { name } = this.#parts.endpoint;
    return new CliError("unreachable", `the answer of ${name} broke off; ask again`);
  }

  /** Each request without an answer gets the error for one; what wants no answer is told of. */
  async #fail({ message, waiting, ending }: Exchange, error: unknown): Promise<void> {
    const words = wordsOf(error);
    const isRequest = requestIds(message).length > 0;
    if (!isRequest && !ending.signal.aborted) this.#parts.tell(`postern: ${words.message}`);
    for (const id of waiting.values()) await this.#parts.write(errorText(id, words));
    waiting.clear();
  }

  async #handOn({ text, parts }: Message): Promise<void> {
    for (const part of parts) {
      if (part.kind === "response" && !this.#isAwaited(part)) continue;
      await this.#parts.write(parts.length === 1 ? text : JSON.stringify(part.body));
    }
  }

  /** Whether an answer belongs to a request without one; from now on it has one. */
  #isAwaited({ id }: MessagePart): boolean {
    if (id === undefined) return false;
    return this.#exchangeOf(id)?.waiting.delete(keyOf(id)) ?? false;
  }
}

/** Nobody waits for its answers any more. */
function forget({ waiting, ending }: Exchange): void {
  waiting.clear();
  ending.abort();
}

/** A session is open, and has been told something, before it gets the next message. */
function othersWaitFor({ parts }: Message): boolean {
  return parts.some(({ kind, method }) => kind === "notification" || method === "initialize");
}

/** `1` and `"1"` are two ids. */
function keyOf(id: MessageId): string {
  return JSON.stringify(id);
}
