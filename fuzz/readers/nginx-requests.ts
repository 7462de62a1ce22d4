// Requests as the real nginx reads them: what it forwards, seen by an origin behind it that reads
// nothing but nginx's own writing, in which a length stands before every body.
import { connect, type Socket } from "node:net";
import { type Message, plainFields, type Reading, valuesOf } from "../reading.ts";
import type { Lane } from "./nginx-process.ts";

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
/** Milliseconds of silence after which nginx is taken to wait for more. */
const silence = 100;

/** Reads through one lane of nginx, one case after the other. */
export class NginxRequests {
  readonly #lane: Lane;
  #messages: Message[] = [];

  constructor(lane: Lane) {
    this.#lane = lane;
    lane.onConnection = (socket) => new Origin(socket, (message) => this.#messages.push(message));
  }

  /**
   * What nginx forwards of these bytes.
   * @param shuts whether the client shuts its side behind them: nginx then refuses what is not
   * whole, as it refuses what is malformed. Without, it waits.
   */
  async read(bytes: Buffer, shuts = true): Promise<Reading> {
    this.#messages = [];
    const { status, closed } = await ask(this.#lane.front, bytes, shuts);
    const reading = { messages: this.#messages, onlyComplete: true };
    if (status >= 400) return { ...reading, outcome: "refused", reason: `status ${status}` };
    return { ...reading, outcome: closed && !shuts ? "closed" : "whole" };
  }
}

/** @returns the last status that nginx answered with; 0 where there was none */
function ask(
  front: string,
  bytes: Buffer,
  shuts: boolean,
): Promise<{ status: number; closed: boolean }> {
  return new Promise((resolve) => {
    const client = connect(front);
    let answers = "";
    let timer: NodeJS.Timeout | undefined;
    const end = (closed: boolean) => {
      clearTimeout(timer);
      client.destroy();
      resolve({ status: lastStatus(answers), closed });
    };
    const waitFor = () => {
      if (shuts) return;
      clearTimeout(timer);
      timer = setTimeout(end, silence, false);
    };
    client.setEncoding("latin1").on("data", (text: string) => {
      answers += text;
      waitFor();
    });
    client.on("error", () => undefined);
    client.on("close", () => end(true));
    if (shuts) client.end(bytes);
    else client.write(bytes);
    waitFor();
  });
}

function lastStatus(answers: string): number {
  const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)];
  return Number(statuses.at(-1)?.[1] ?? 0);
}

/** One connection of nginx's to the origin. */
class Origin {
  readonly #note: (message: Message) => void;
  readonly #socket: Socket;
  #bytes = "";

  constructor(socket: Socket, note: (message: Message) => void) {
    this.#note = note;
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("end", () => socket.end());
  }

  #read(text: string): void {
    this.#bytes += text;
    const headEnd = this.#bytes.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const [line = "", ...lines] = this.#bytes.slice(0, headEnd).split("\r\n");
    const fields = plainFields(lines.flatMap(splitField));
    const length = Number(valuesOf(fields, "content-length")[0] ?? 0);
    const end = headEnd + 4 + length;
    if (this.#bytes.length < end) return;
    const body = this.#bytes.slice(headEnd + 4, end);
    this.#bytes = this.#bytes.slice(end);
    const start = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1, -9)];
    this.#note({
      start,
      fields,
      body,
      trailers: undefined,
      complete: true,
      end: undefined,
      last: false,
    });
    this.#socket.write(answer);
  }
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1)];
}
