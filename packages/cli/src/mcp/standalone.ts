// Messages that stand alone, as all do from revision 2026-07-28 on: no handshake, no session, no
// stream but the answer's. What routes them is repeated in header fields.
import type { StreamedResponse } from "../net/http-stream.ts";
import { answersIn, ServerError } from "./answers.ts";
import type { Endpoint } from "./endpoint.ts";
import { fieldOf, type Message, type MessagePart, methodOf, readMessage } from "./json-rpc.ts";
import { postFields, standaloneFields } from "./request-fields.ts";
import { ToolHeaders, withoutTools } from "./tool-headers.ts";

/** Of a request whose header fields are not what the server makes of its body (2026-07-28). */
const headerMismatch = -32020;

/** Pages of a list of tools; a server whose list has no end is left alone. */
const mostPages = 100;

export class Standalone {
  readonly #endpoint: Endpoint;
  readonly #tell: (line: string) => void;
  readonly #tools = new ToolHeaders();

  constructor(endpoint: Endpoint, tell: (line: string) => void) {
    this.#endpoint = endpoint;
    this.#tell = tell;
  }

  /**
   * Sends a message of the agent, and gives what comes of it.
   * @throws {ServerError | CliError}
   */
  async *answersTo(
    message: Message,
    revision: string,
    signal: AbortSignal,
  ): AsyncGenerator<Message> {
    try {
      yield* this.#ask(message, revision, signal);
    } catch (error) {
      if (!isMismatch(error) || methodOf(message) !== "tools/call") throw error;
      // The agent did not ask for the tools, or they are others by now.
      await this.#learnTools(message, revision, signal);
      yield* this.#ask(message, revision, signal);
    }
  }

  async *#ask(message: Message, revision: string, signal: AbortSignal): AsyncGenerator<Message> {
    const response = await this.#post(message, revision, signal);
    for await (const answer of answersIn(this.#endpoint, response))
      yield methodOf(message) === "tools/list" ? this.#learn(answer) : answer;
  }

  #post(message: Message, revision: string, signal: AbortSignal): Promise<StreamedResponse> {
    const [part] = message.parts;
    const own = part === undefined ? {} : standaloneFields(part, revision, this.#tools);
    const fields = { ...postFields, ...own };
    return this.#endpoint.ask({ method: "POST", fields, body: message.text, signal });
  }

  /** Takes what a list of tools says of headers, and out of it the tools that must not be there. */
  #learn(answer: Message): Message {
    const [part] = answer.parts;
    const refused = this.#tools.learn(fieldOf(part?.body, "result"));
    if (part === undefined || refused.length === 0) return answer;
    for (const { name, reason } of refused)
      this.#tell(`The tool ${name.slice(0, 100)} is left out: ${reason}.`);
    return withoutTools(part, refused) ?? answer;
  }

  /** Asks for the tools by itself, with what the call says of the agent. */
  async #learnTools(call: Message, revision: string, signal: AbortSignal): Promise<void> {
    const _meta = fieldOf(fieldOf(call.parts[0]?.body, "params"), "_meta");
    let cursor: unknown;
    for (let page = 0; page < mostPages; page++) {
      const params = cursor === undefined ? { _meta } : { _meta, cursor };
      const body = { jsonrpc: "2.0", id: "postern-tools", method: "tools/list", params };
      const list = readMessage(JSON.stringify(body));
      if (list === undefined) return;
      cursor = undefined;
      for await (const { parts } of this.#ask(list, revision, signal))
        cursor = nextCursor(parts) ?? cursor;
      if (cursor === undefined) return;
    }
  }
}

function nextCursor([part]: readonly MessagePart[]): unknown {
  return fieldOf(fieldOf(part?.body, "result"), "nextCursor");
}

function isMismatch(error: unknown): boolean {
  return error instanceof ServerError && error.words.code === headerMismatch;
}
