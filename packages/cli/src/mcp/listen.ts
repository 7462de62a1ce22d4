// The stream on which a server speaks by itself, asked for by GET, and what follows a stream that
// broke ("Listening for Messages from the Server", up to revision 2025-11-25).
import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "../exit-status.ts";
import type { StreamedResponse } from "../net/http-stream.ts";
import { answersIn, isEventStream } from "./answers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Message } from "./json-rpc.ts";
import { firstWait, longestWait } from "./resumable-events.ts";

/**
 * The server's own stream, or what follows an event of any stream.
 * @param fields of the session
 * @param lastId the event; empty for the server's own stream
 * @returns undefined where the server has none
 * @throws {CliError}
 */
export async function openStream(
  endpoint: Endpoint,
  fields: Record<string, string>,
  lastId: string,
  signal: AbortSignal,
): Promise<StreamedResponse | undefined> {
  const after: Record<string, string> = lastId === "" ? {} : { "last-event-id": lastId };
  const response = await endpoint.ask({
    method: "GET",
    fields: { accept: "text/event-stream", ...fields, ...after },
    signal,
  });
  if (isEventStream(response)) return response;
  response.breakOff();
  return undefined;
}

export interface Listener {
  endpoint: Endpoint;
  /** @returns undefined where the server has no such stream, or the session has ended */
  reopen(lastId: string): Promise<StreamedResponse | undefined>;
  signal: AbortSignal;
}

/**
 * Reads what the server says by itself, from one connection after another, for as long as it has
 * such a stream. One that is away is asked again.
 */
export async function listen(
  { endpoint, reopen, signal }: Listener,
  handOn: (message: Message) => Promise<void>,
): Promise<void> {
  const resumption = { reopen, signal, mostAttempts: Number.POSITIVE_INFINITY };
  for (let wait = firstWait; ; wait = Math.min(2 * wait, longestWait)) {
    try {
      const stream = await reopen("");
      if (stream === undefined) return;
      wait = firstWait;
      for await (const message of answersIn(endpoint, stream, resumption)) await handOn(message);
    } catch (error) {
      if (signal.aborted || !(error instanceof CliError)) throw error;
    }
    await delay(wait, undefined, { signal });
  }
}
