// Responses as the real nginx reads them: what its client gets of what a raw origin behind it sent.
// What nginx writes is read by node:http's parser, which has nothing to guess in it.
import { connect, type Socket } from "node:net";
import type { Reading } from "../reading.ts";
import type { Lane } from "./nginx-process.ts";
import { readResponseByNode } from "./node-http.ts";

/** Reads through one lane of nginx, one case after the other. */
export class NginxResponses {
  readonly #lane: Lane;
  #answer: Buffer = Buffer.alloc(0);

  constructor(lane: Lane) {
    this.#lane = lane;
    lane.onConnection = (socket) => answerOnce(socket, () => this.#answer);
  }

  /**
   * What nginx hands on of an answer behind which the connection ends.
   * @param method of the request
   */
  async read(bytes: Buffer, method: string): Promise<Reading> {
    this.#answer = bytes;
    const request = `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const answer = await ask(this.#lane.front, request);
    const reading = readResponseByNode([answer], method, true);
    const [message] = reading.messages;
    if (message?.start[0] === "502") return { messages: [], outcome: "refused", reason: "502" };
    // It ends the connection without a word when the answer breaks off near its beginning.
    if (message === undefined) return { messages: [], outcome: "partial", onlyComplete: true };
    const messages = [{ ...message, end: undefined, trailers: undefined, last: true }];
    return { messages, outcome: message.complete ? "closed" : "partial" };
  }
}

function answerOnce(socket: Socket, answer: () => Buffer): void {
  let request = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    request += text;
    if (request.endsWith("\r\n\r\n")) socket.end(answer());
  });
}

function ask(front: string, request: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const client = connect(front);
    const pieces: Buffer[] = [];
    client.on("data", (piece: Buffer) => pieces.push(piece));
    client.on("error", () => undefined);
    client.on("close", () => resolve(Buffer.concat(pieces)));
    client.write(request);
  });
}
