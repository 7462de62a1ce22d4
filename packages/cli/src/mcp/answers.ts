// What comes of one message: the messages in the answer to it, as JSON or as a stream of events, or
// the reason why there are none, as an error of JSON-RPC.

import { printable } from "@postern/protocol/printable";
import { CliError, reasonOf } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import type { StreamedResponse } from "../net/http-stream.ts";
import type { Endpoint } from "./endpoint.ts";
import { readEvents } from "./event-stream.ts";
import {
  type ErrorWords,
  errorCodes,
  errorIn,
  largestMessage,
  type Message,
  readMessage,
} from "./json-rpc.ts";
import { type Resumption, resumableEvents } from "./resumable-events.ts";

/** An error that the server answered with; whoever asked gives it the id of his request. */
export class ServerError extends Error {
  readonly words: ErrorWords;
  constructor(words: ErrorWords) {
    super(words.message);
    this.name = "ServerError";
    this.words = words;
  }
}

/** What an error of any kind says to the agent. */
export function wordsOf(error: unknown): ErrorWords {
  if (error instanceof ServerError) return error.words;
  if (!(error instanceof CliError))
    return { code: errorCodes.internal, message: `internal error: ${reasonOf(error)}` };
  const { code, message } = error;
  return { code: errorCodes.notDelivered, message, data: { code } };
}

/**
 * The messages of an answer, as they come; none in the answer to what wants none.
 * @param resumption how to go on with a stream that broke, where the server can
 * @throws {ServerError | CliError} where the answer is an error, or no message
 */
export async function* answersIn(
  endpoint: Endpoint,
  response: StreamedResponse,
  resumption?: Resumption,
): AsyncGenerator<Message> {
  if (isEventStream(response)) {
    for await (const text of eventTexts(response, resumption)) yield messageIn(endpoint, text);
    return;
  }
  const { status, headers } = response;
  const body = await readBody(response);
  if (status >= 300) throw errorOf(endpoint, status, body);
  if (isJson(headers["content-type"])) yield messageIn(endpoint, body);
  else if (status !== accepted && body.trim() !== "")
    throw new CliError("failure", `${endpoint.name} sent no message of MCP; check its path`);
}

/** The status for what wants no answer. */
const accepted = 202;

export function isEventStream({ status, headers }: StreamedResponse): boolean {
  return status === 200 && /^text\/event-stream\b/i.test(headers["content-type"] ?? "");
}

function isJson(type = ""): boolean {
  return /^application\/json\b/i.test(type);
}

async function* eventTexts(
  response: StreamedResponse,
  resumption: Resumption | undefined,
): AsyncGenerator<string> {
  if (resumption !== undefined) return yield* resumableEvents(response, resumption);
  for await (const { data } of readEvents(response.body)) if (data !== "") yield data;
}

function messageIn(endpoint: Endpoint, text: string): Message {
  const message = readMessage(text);
  if (message !== undefined) return message;
  throw new CliError("failure", `${endpoint.name} sent what is no message of JSON-RPC 2.0`);
}

async function readBody({ body }: StreamedResponse): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > largestMessage)
      throw new CliError("failure", `the MCP server sent more than ${largestMessage} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** What an answer that is no success means: the server's own error, or a sentence. */
function errorOf({ name }: Endpoint, status: number, body: string): ServerError | CliError {
  const words = errorIn(body);
  if (words !== undefined) return new ServerError(words);
  const explained = explanations[status];
  if (explained !== undefined) return new CliError("failure", `${name} ${explained}`);
  const code = status === 403 ? "refused_by_policy" : "failure";
  const sentence = sentenceIn(body);
  return new CliError(code, `${name} answered ${status}${sentence === "" ? "" : `: ${sentence}`}`);
}

const explanations: Readonly<Record<number, string>> = {
  401: "wants a sign-in of its own (401), which this bridge has no part in",
  404: "is not there (404); check the path of the MCP server",
  405: "takes no messages (405); it must be an MCP server that speaks Streamable HTTP",
};

const longestSentence = 300;

/** The gateway's `message`, or a line of text; nothing of a page. */
function sentenceIn(body: string): string {
  const message = parseJsonObject(body)?.["message"];
  if (typeof message === "string") return printable(message.slice(0, longestSentence));
  const [line = ""] = body.trim().split("\n", 1);
  return /^[<{]/.test(line) ? "" : printable(line.slice(0, longestSentence));
}
