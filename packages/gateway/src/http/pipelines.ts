// Requests that a client sends before it has the answer to the one before (RFC 9112 section 9.3.2).
// Each is begun when its turn to be answered has come, and meanwhile no more of them are read: a
// client with one connection has one request in flight, however many it sends.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answerInProgress } from "./connections.ts";

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

interface WaitingRequest {
  request: IncomingMessage;
  response: ServerResponse;
}

/** The requests of one server that wait for their turn. */
export class Pipelines {
  readonly #serve: Serve;
  readonly #waiting = new Map<Socket, WaitingRequest[]>();
  /** connections whose requests end with what `afterAnswers` got */
  readonly #ending = new WeakSet<Socket>();

  /** @param serve gets each request when those before it on its connection are answered */
  constructor(serve: Serve) {
    this.#serve = serve;
  }

  /** Whether another request waits on this connection. */
  isWaiting(socket: Socket | null): boolean {
    return socket !== null && this.#waiting.has(socket);
  }

  /** Adds a request behind the one in progress on its connection. */
  add(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const line = this.#waiting.get(socket);
    if (line !== undefined) {
      line.push({ request, response });
      return;
    }
    this.#waiting.set(socket, [{ request, response }]);
    socket.pause();
    answerInProgress(socket)?.once("close", () => this.#callNext(socket));
  }

  /**
   * Calls back when every request before is answered, if the connection goes on then; at once where
   * no answer is in progress. Once for a connection: the parser complains again of each further
   * piece.
   */
  afterAnswers(socket: Socket, callback: () => void): void {
    if (this.#ending.has(socket)) return;
    this.#ending.add(socket);
    const last = this.#waiting.get(socket)?.at(-1)?.response ?? answerInProgress(socket);
    if (last === undefined) {
      callback();
      return;
    }
    last.once("close", () => {
      if (socket.writable) callback();
    });
  }

  #callNext(socket: Socket): void {
    const line = this.#waiting.get(socket) ?? [];
    const next = line.shift();
    const isOver = next === undefined || next.response.socket === null;
    if (isOver || line.length === 0) this.#waiting.delete(socket);
    // The answer before it was the connection's last.
    if (isOver) return;

    if (line.length > 0) next.response.once("close", () => this.#callNext(socket));
    // Who ends the requests of a connection reads on by itself.
    else if (!this.#ending.has(socket)) socket.resume();
    this.#serve(next.request, next.response);
  }
}
