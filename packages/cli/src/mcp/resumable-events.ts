// An event stream across the connections that carry it: a server may end one at any time, and goes
// on with the next from the last event that came (MCP 2025-11-25, "Resumability and Redelivery").
import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "../exit-status.ts";
import type { StreamedResponse } from "../net/http-stream.ts";
import { readEvents } from "./event-stream.ts";

export interface Resumption {
  /**
   * Goes on behind an event.
   * @returns undefined where the server does not
   * @throws {CliError} unreachable
   */
  reopen(lastId: string): Promise<StreamedResponse | undefined>;
  signal: AbortSignal;
  /** attempts on end that bring no event */
  mostAttempts: number;
}

export const firstWait = 1_000;
export const longestWait = 30_000;

/**
 * The data of each event, until the stream ends for good.
 * @throws {CliError} failure | unreachable
 */
export async function* resumableEvents(
  first: StreamedResponse,
  { reopen, signal, mostAttempts }: Resumption,
): AsyncGenerator<string> {
  let stream: StreamedResponse | undefined = first;
  let lastId = "";
  let wait = firstWait;
  let attempts = 0;
  while (stream !== undefined) {
    for await (const event of untilBroken(readEvents(stream.body), signal)) {
      lastId = event.lastId || lastId;
      wait = event.retry ?? wait;
      attempts = 0;
      if (event.data !== "") yield event.data;
    }
    // Without an id there is nothing to go on from.
    if (lastId === "" || attempts >= mostAttempts) return;
    attempts++;
    await delay(Math.min(wait * attempts, longestWait), undefined, { signal });
    const isLast = attempts === mostAttempts;
    stream = await reopenOrEnded(reopen, lastId, isLast);
  }
}

/** A connection that breaks ends the events of that connection. */
async function* untilBroken<Event>(
  events: AsyncIterable<Event>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  try {
    yield* events;
  } catch (error) {
    if (signal.aborted || error instanceof CliError) throw error;
  }
}

const ended: StreamedResponse = {
  status: 200,
  headers: {},
  body: (async function* () {})(),
  breakOff() {},
};

/** A server that cannot be reached now may be there for the next attempt. */
async function reopenOrEnded(
  reopen: Resumption["reopen"],
  lastId: string,
  isLast: boolean,
): Promise<StreamedResponse | undefined> {
  try {
    return await reopen(lastId);
  } catch (error) {
    const mayBeBack = error instanceof CliError && error.code === "unreachable";
    if (mayBeBack && !isLast) return ended;
    throw error;
  }
}
