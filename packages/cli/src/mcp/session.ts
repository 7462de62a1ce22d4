// Messages of a session, which a handshake opens: so in revisions before 2026-07-28. A server may
// end a session at any time, and then wants another handshake (2025-11-25, "Session Management").
// The agent cannot know that, for it speaks to a process: the handshake is made again here, with
// the agent's own words, and the message that met the end is sent once more.
import { defined } from "../defined.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import type { StreamedResponse } from "../net/http-stream.ts";
import { answersIn } from "./answers.ts";
import type { Endpoint } from "./endpoint.ts";
import { fieldOf, type Message, methodOf, requestIds } from "./json-rpc.ts";
import { listen, openStream } from "./listen.ts";
import { postFields } from "./request-fields.ts";

export interface SessionParts {
  endpoint: Endpoint;
  /** takes what the server says by itself */
  handOn(message: Message): Promise<void>;
  tell(line: string): void;
}

const idField = "mcp-session-id";

/** Visible ASCII ("Session Management", 1). */
const fitsField = /^[\x21-\x7e]{1,1000}$/;

/** Attempts to go on with an answer that broke off. */
const mostAttempts = 5;

/** What the handshake has brought so far. */
interface Opened {
  /** absent where the server names none */
  id?: string;
  revision?: string;
  /** the agent's end of the handshake */
  initialized?: Message;
}

export class Session {
  readonly #parts: SessionParts;
  /** the agent's own handshake */
  #initialize: Message | undefined;
  #opened: Opened = {};
  #renewal: Promise<void> | undefined;
  /** ends with the session */
  #life = new AbortController();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /**
   * Sends a message of the agent, and gives what comes of it.
   * @throws {ServerError | CliError}
   */
  async *answersTo(message: Message, signal: AbortSignal): AsyncGenerator<Message> {
    if (methodOf(message) === "initialize") {
      this.#forget();
      return yield* this.#open(message, signal);
    }
    const response = await this.#postInSession(message, signal);
    yield* answersIn(this.#parts.endpoint, response, {
      reopen: (lastId) => openStream(this.#parts.endpoint, this.#fields(), lastId, signal),
      signal,
      mostAttempts,
    });
    if (methodOf(message) === "notifications/initialized") this.#ready(message);
  }

  async *#open(initialize: Message, signal: AbortSignal): AsyncGenerator<Message> {
    this.#initialize = initialize;
    const response = await this.#post(initialize, signal);
    const id = response.headers[idField];
    if (typeof id === "string" && fitsField.test(id)) this.#opened.id = id;
    for await (const message of answersIn(this.#parts.endpoint, response)) {
      const revision = agreedRevision(message);
      if (revision !== undefined) this.#opened.revision = revision;
      yield message;
    }
  }

  #forget(): void {
    this.#life.abort();
    this.#life = new AbortController();
    this.#opened = {};
  }

  /** The handshake has ended: the server may speak by itself from now on. */
  #ready(initialized: Message): void {
    this.#opened.initialized = initialized;
    const { endpoint, handOn, tell } = this.#parts;
    const { signal } = this.#life;
    const reopen = (lastId: string) => openStream(endpoint, this.#fields(), lastId, signal);
    listen({ endpoint, reopen, signal }, handOn).catch((error: unknown) => {
      if (!signal.aborted) tell(`${endpoint.name} is not listened to any more: ${reasonOf(error)}`);
    });
  }

  /** What every request of the session bears. */
  #fields(): Record<string, string> {
    const { id, revision } = this.#opened;
    return defined({ [idField]: id, "mcp-protocol-version": revision });
  }

  #post({ text }: Message, signal: AbortSignal): Promise<StreamedResponse> {
    const fields = { ...postFields, ...this.#fields() };
    return this.#parts.endpoint.ask({ method: "POST", fields, body: text, signal });
  }

  async #postInSession(message: Message, signal: AbortSignal): Promise<StreamedResponse> {
    const { id } = this.#opened;
    const response = await this.#post(message, signal);
    if (response.status !== 404 || id === undefined) return response;
    response.breakOff();
    await this.#renew(id);
    // An answer to a question of the session that has ended answers nothing in another one.
    if (requestIds(message).length === 0) throw sessionEnded(this.#parts.endpoint);
    return this.#post(message, signal);
  }

  /** Once for all messages that meet the same end. */
  async #renew(endedId: string): Promise<void> {
    if (this.#renewal === undefined && this.#opened.id !== endedId) return;
    this.#renewal ??= this.#openAgain().finally(() => {
      this.#renewal = undefined;
    });
    await this.#renewal;
  }

  async #openAgain(): Promise<void> {
    const { endpoint, tell } = this.#parts;
    const before = this.#opened;
    const initialize = this.#initialize;
    if (initialize === undefined || before.initialized === undefined) throw sessionEnded(endpoint);
    this.#forget();
    const { signal } = this.#life;
    try {
      await readToEnd(this.#open(initialize, signal));
      // The agent goes on in the revision that it knows of.
      if (this.#opened.revision !== before.revision) throw sessionEnded(endpoint);
      await readToEnd(answersIn(endpoint, await this.#post(before.initialized, signal)));
    } catch (error) {
      // The next message meets the same end, and tries again.
      this.#forget();
      this.#opened = before;
      throw error;
    }
    this.#ready(before.initialized);
    tell(`${endpoint.name} ended the session; another one goes on, without its subscriptions.`);
  }

  /** Ends the session here, and at the server, which need not know of ends. */
  async end(signal: AbortSignal): Promise<void> {
    this.#life.abort();
    if (this.#opened.id === undefined) return;
    const fields = this.#fields();
    try {
      const response = await this.#parts.endpoint.ask({ method: "DELETE", fields, signal });
      response.breakOff();
    } catch {
      // The server ends it by itself, some time.
    }
  }
}

/** For what is said, and not for what comes of it. */
async function readToEnd(answers: AsyncGenerator<Message>): Promise<void> {
  while (!(await answers.next()).done);
}

function agreedRevision({ parts }: Message): string | undefined {
  const [part] = parts;
  const revision = fieldOf(fieldOf(part?.body, "result"), "protocolVersion");
  return typeof revision === "string" && fitsField.test(revision) ? revision : undefined;
}

function sessionEnded({ name }: Endpoint): CliError {
  return new CliError(
    "failure",
    `${name} has ended the session; if this goes on, start the agent's MCP server anew`,
  );
}
