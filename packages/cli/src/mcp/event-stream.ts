// Reads server-sent events (HTML, 9.2.6 "Interpreting an event stream") from the pieces that they
// arrive in. An event whose data is empty is handed over as well: its id and `retry` count.
import { CliError } from "../exit-status.ts";
import { largestMessage } from "./json-rpc.ts";

export interface ServerEvent {
  data: string;
  /** of this event, or the last one before it; empty where the stream gives none */
  lastId: string;
  /** milliseconds to wait before asking again, where the event says it */
  retry: number | undefined;
}

/**
 * The events of a stream, up to its end. An event that the end cuts short is dropped.
 * @throws {CliError} failure, where an event is longer than a message may be
 */
export async function* readEvents(pieces: AsyncIterable<Buffer>): AsyncGenerator<ServerEvent> {
  let event = emptyEvent("");
  for await (const line of readLines(pieces)) {
    if (line !== "") {
      event = withField(event, line);
      if (event.data.length > largestMessage) throw tooLong();
      continue;
    }
    if (event.isTouched) yield eventOf(event);
    event = emptyEvent(event.lastId);
  }
}

interface PartialEvent {
  data: string;
  lastId: string;
  retry: number | undefined;
  /** a field of it has been read */
  isTouched: boolean;
}

function emptyEvent(lastId: string): PartialEvent {
  return { data: "", lastId, retry: undefined, isTouched: false };
}

function eventOf({ data, lastId, retry }: PartialEvent): ServerEvent {
  return { data: data.replace(/\n$/, ""), lastId, retry };
}

function withField(event: PartialEvent, line: string): PartialEvent {
  const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
  switch (name) {
    case "data":
      return { ...event, data: `${event.data}${value}\n`, isTouched: true };
    case "id":
      return value.includes("\0") ? event : { ...event, lastId: value, isTouched: true };
    case "retry":
      return /^\d{1,9}$/.test(value) ? { ...event, retry: Number(value), isTouched: true } : event;
    default:
      return event;
  }
}

/** Lines end with LF, CR or both; what follows the last end is no line. */
async function* readLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let endsWithCr = false;
  for await (const piece of pieces) {
    const decoded = decoder.decode(piece, { stream: true });
    // The other half of a line end that has counted already.
    const text = endsWithCr && decoded.startsWith("\n") ? decoded.slice(1) : decoded;
    if (decoded !== "") endsWithCr = decoded.endsWith("\r");
    // Only the piece is searched: a long line must not be gone through with each of its pieces.
    const [first = "", ...others] = text.split(/\r\n|\n|\r/);
    rest += first;
    for (const next of others) {
      yield rest;
      rest = next;
    }
    if (rest.length > largestMessage) throw tooLong();
  }
}

function tooLong(): CliError {
  return new CliError(
    "failure",
    `the MCP server sent a message of more than ${largestMessage} characters`,
  );
}
