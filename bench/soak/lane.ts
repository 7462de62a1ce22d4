// One client's connection: a request at a time, whose answer is read to its end, or broken off.
import { createConnection, type Socket } from "node:net";

const headEnd = "\r\n\r\n";

/** What became of a request. */
export type Outcome =
  | { kind: "answered" }
  | { kind: "aborted" }
  /** `port` is the client's, by which its worker is known */
  | { kind: "failed"; why: string; port: number };

export interface Request {
  bytes: string;
  /** of the body that answers it */
  length: number;
  /** when it is broken off: before it is whole, or in the middle of its answer */
  abort?: "request" | "answer";
}

export class Lane {
  readonly #port: number;
  readonly #report: (outcome: Outcome) => void;
  #socket: Socket | undefined;
  #local = 0;
  #request: Request | undefined;
  /** of the answer: its head as far as it came, and how many bytes are to come after it */
  #head = "";
  #left = 0;

  /** @param report is called once for each request */
  constructor(port: number, report: (outcome: Outcome) => void) {
    this.#port = port;
    this.#report = report;
  }

  get isIdle(): boolean {
    return this.#request === undefined;
  }

  ask(request: Request): void {
    this.#request = request;
    this.#head = "";
    this.#left = Number.POSITIVE_INFINITY;
    this.#socket ??= this.#open();
    if (request.abort !== "request") {
      this.#socket.write(request.bytes, "latin1");
      return;
    }
    this.#socket.write(request.bytes.slice(0, request.bytes.length >> 1), "latin1", () => {
      this.#end({ kind: "aborted" });
      this.close();
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    const socket = createConnection({ port: this.#port, host: "127.0.0.1", noDelay: true });
    socket.on("connect", () => {
      this.#local = socket.localPort ?? 0;
    });
    socket.on("data", (chunk) => {
      if (socket === this.#socket) this.#take(chunk);
    });
    socket.on("error", (error) => this.#lose(socket, error.message));
    socket.on("close", () => this.#lose(socket, "the connection ended"));
    return socket;
  }

  /** Between two requests a connection may end. */
  #lose(socket: Socket, why: string): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#end({ kind: "failed", why, port: this.#local });
  }

  #take(chunk: Buffer): void {
    const request = this.#request;
    if (request === undefined) return;
    if (request.abort === "answer") {
      this.#end({ kind: "aborted" });
      this.close();
      return;
    }
    if (this.#left === Number.POSITIVE_INFINITY) this.#takeHead(chunk, request);
    else this.#left -= chunk.length;
    if (this.#left > 0) return;
    const closes = /^connection: *close/im.test(this.#head);
    if (this.#left < 0) this.#fail("more bytes than the answer has");
    else this.#end({ kind: "answered" });
    if (closes) this.close();
  }

  #takeHead(chunk: Buffer, { length }: Request): void {
    this.#head += chunk.toString("latin1");
    const end = this.#head.indexOf(headEnd);
    if (end < 0) return;
    const came = this.#head.length - end - headEnd.length;
    this.#head = this.#head.slice(0, end);
    const stated = Number(/^content-length: *(\d+)/im.exec(this.#head)?.[1]);
    this.#left = stated - came;
    const isRight = this.#head.startsWith("HTTP/1.1 200 ") && stated === length;
    if (!isRight) this.#fail(`answered: ${this.#head.split("\r\n", 1)[0]}, ${stated} bytes`);
  }

  #fail(why: string): void {
    this.#end({ kind: "failed", why, port: this.#local });
    this.close();
  }

  #end(outcome: Outcome): void {
    if (this.#request === undefined) return;
    this.#request = undefined;
    this.#report(outcome);
  }
}
