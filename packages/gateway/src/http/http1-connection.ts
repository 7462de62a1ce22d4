// One connection of a client that speaks HTTP/1.1. Requests are read one at a time: what is sent
// behind one waits unread until that is answered, so a client with one connection has one request
// in flight, and its answers come in order. What cannot be read in one way only gets one plain
// answer, and the connection ends.
//
// Time limits are counted in looks that the server takes at all of its connections, not in
// milliseconds: this process may be held up for longer than a limit, and what came meanwhile is
// read before the next look.
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { canonicalPeer } from "../network.ts";
import { protocolOf } from "./choose-protocol.ts";
import { tunnelHead } from "./http1-answer.ts";
import { type ExchangeConnection, Http1Exchange, Http1Upgrade } from "./http1-exchange.ts";
import { Http1Input } from "./http1-input.ts";
import { ConnectionLooks, isOver, type Phase } from "./http1-looks.ts";
import type { ConnectionRules } from "./http1-rules.ts";
import type { MessageFault } from "./message-fault.ts";
import { connectRefusal, type Refusal, refusalText, refusalTo } from "./refused-request.ts";
import type { MessageHead } from "./request-framing.ts";
import { type RequestEvents, type RequestLine, RequestReader } from "./request-reader.ts";
import type { ResponseHead } from "./transport.ts";

/** Bytes that a client may still send behind what ends its connection. */
const lingerBytes = 1_048_576;
/** After so long without a byte the system asks whether the client of a tunnel is still there. */
const keepAliveMs = 60_000;
const noLine: RequestLine = { method: "", target: "" };

/** One connection, from its first byte to its end. */
export class Http1Connection implements RequestEvents, ExchangeConnection {
  phase: Phase = "new";
  isClientEnded = false;
  readonly socket: Socket;
  readonly peer: string | undefined;
  readonly #rules: ConnectionRules;
  readonly #looks: ConnectionLooks;
  readonly #reader: RequestReader;
  readonly #input: Http1Input;
  readonly #isEncrypted: boolean;
  #exchange: Http1Exchange | undefined;
  /** whether its handler has the request in hand */
  #isBegun = false;
  /** whether the answer in hand is the last one */
  #isLastAnswer = false;
  #mayBeHttp2: boolean;

  /** @param isEncrypted whether TLS has settled the protocol, and brings pieces of its own */
  constructor(socket: Socket, rules: ConnectionRules, isEncrypted: boolean) {
    this.socket = socket;
    this.peer = socket.remoteAddress && canonicalPeer(socket.remoteAddress);
    this.#rules = rules;
    this.#looks = new ConnectionLooks(this, rules.looks);
    this.#reader = new RequestReader(rules.headBytes, this);
    this.#input = new Http1Input(socket, this.#reader, isEncrypted);
    this.#isEncrypted = isEncrypted;
    this.#mayBeHttp2 = !isEncrypted && rules.acceptHttp2 !== undefined;
  }

  /**
   * @param isAll whether the socket had no more than this
   * @returns whether more may be read from it now
   */
  receive(bytes: Buffer, isAll: boolean): boolean {
    const input = this.#input;
    input.received += bytes.length;
    if (this.phase === "left") return this.socket.push(Buffer.from(bytes));
    if (this.phase === "lingering" && input.received > lingerBytes) this.destroy();
    if (isOver(this.phase)) return true;
    if (this.#mayBeHttp2) return this.#receiveFirst(bytes, isAll);
    input.take(bytes);
    if (!isAll) input.letOthersRead();
    this.#sort();
    return input.takesMore;
  }

  /** The client has shut its sending side. */
  receiveEnd(): void {
    if (this.isClientEnded || this.phase === "left") return;
    this.isClientEnded = true;
    const exchange = this.#exchange;
    const isPreface = this.#mayBeHttp2 && this.#input.hasWaiting;
    if (this.phase === "head" || isPreface) {
      this.fault("incomplete", noLine);
    } else if (exchange === undefined) {
      this.#end();
    } else if (exchange.abortsWithClient || !exchange.complete) {
      this.destroy();
    } else {
      this.#looks.clientEnded();
    }
  }

  /** The client takes more. */
  drained(): void {
    this.#exchange?.response.onDrain?.();
  }

  /** The socket is closed. */
  closed(): void {
    this.phase = "closed";
    this.#reader.hold();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.cut();
  }

  /** Looks whether a limit of time is reached. */
  look(): void {
    switch (this.#looks.look(this.#rules.isDraining)) {
      case "late":
        this.fault("head_timeout", noLine);
        break;
      case "end":
        this.#end();
        break;
      case "cut":
        this.destroy();
        break;
    }
  }

  // What the reader makes of it.

  head(head: MessageHead): void {
    if (head.method === "CONNECT") {
      this.#refuse({ ...connectRefusal, target: head.target });
      return;
    }
    this.#setPhase("request");
    this.#isBegun = false;
    this.#exchange =
      head.upgrade === undefined
        ? new Http1Exchange(this, head)
        : new Http1Upgrade(this, head, head.upgrade);
  }

  data(chunk: Buffer): void {
    this.#exchange?.receive(this.#input.isShared ? Buffer.from(chunk) : chunk);
  }

  end(rawTrailers: readonly string[]): void {
    this.#exchange?.receiveEnd(rawTrailers);
    if (this.phase === "rest") this.#next();
  }

  fault(fault: MessageFault, line: RequestLine): void {
    const exchange = this.#exchange;
    if (isOver(this.phase)) return;
    if (this.phase === "rest") {
      this.#end();
      return;
    }
    // An answer that has begun can only be cut off.
    if (exchange?.response.started === true) {
      this.destroy();
      return;
    }
    this.#refuse(refusalTo(fault, line));
    this.#exchange = undefined;
    exchange?.cut();
  }

  // What its exchanges need.

  get received(): number {
    return this.#input.received;
  }

  get isClosed(): boolean {
    return this.phase !== "request" || this.socket.destroyed;
  }

  get isLast(): boolean {
    return this.#rules.isDraining && !this.#input.hasWaiting;
  }

  get idleSeconds(): number {
    return this.#rules.idleSeconds;
  }

  holdBody(): void {
    this.#reader.hold();
  }

  releaseBody(): void {
    this.#reader.release();
    this.#input.readOn();
    this.#sort();
  }

  sendContinue(): void {
    this.socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  }

  writeText(text: string): boolean {
    return this.socket.write(text, "latin1");
  }

  writeBytes(bytes: Buffer, onWritten?: () => void): boolean {
    return this.socket.write(bytes, onWritten);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  writeLast(last: string, persistent: boolean): void {
    if (this.isClosed) return;
    this.#isLastAnswer = !persistent;
    // Encrypted bytes are never on their way at once.
    if (this.#isEncrypted) {
      this.socket.write(last, "latin1", this.#finish);
      return;
    }
    if (last !== "") this.socket.write(last, "latin1");
    if (this.socket.writableLength === 0) this.#finish();
    else this.socket.write("", this.#finish);
  }

  becomeTunnel(head: ResponseHead, protocol: string): Duplex {
    const { socket } = this;
    const onFinish = this.#exchange?.response.onFinish;
    if (onFinish !== undefined) socket.once("close", () => onFinish(head.status));
    this.#exchange = undefined;
    socket.write(tunnelHead(head, protocol), "latin1");
    this.#leave();
    socket.setKeepAlive(true, keepAliveMs);
    return socket;
  }

  destroy(): void {
    // In the clear an end is the end of such an answer, and only a reset says that there is more.
    const isCutShort = this.#exchange?.response.endsWithConnection === true;
    const isTcp = !this.#isEncrypted && this.peer !== undefined;
    if (isCutShort && isTcp) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  #setPhase(phase: Phase): void {
    this.phase = phase;
    this.#looks.begin();
  }

  /** In the clear the first bytes say whether HTTP/2 begins (RFC 9113 3.3). */
  #receiveFirst(arrived: Buffer, isAll: boolean): boolean {
    const input = this.#input;
    const before = input.takeWaiting();
    const bytes = before === undefined ? arrived : Buffer.concat([before, arrived]);
    const protocol = protocolOf(bytes);
    if (protocol === undefined) {
      input.setAside(bytes);
      return true;
    }
    this.#mayBeHttp2 = false;
    if (protocol === "http1") {
      input.received -= bytes.length;
      return this.receive(bytes, isAll);
    }
    input.setAside(bytes);
    this.#leave();
    this.#rules.acceptHttp2?.(this.socket);
    return true;
  }

  /** Hands over the request that was read, once everything that came with it is sorted. */
  #sort(): void {
    if (isOver(this.phase)) return;
    if (this.#reader.isInside) {
      // The time for the first head has begun with the connection.
      if (this.phase === "new") this.phase = "head";
      if (this.phase === "idle") this.#setPhase("head");
    }
    const exchange = this.#exchange;
    if (exchange === undefined || this.#isBegun) return;
    this.#isBegun = true;
    this.#rules.handler(exchange);
  }

  /** The client has the answer. */
  readonly #finish = (): void => {
    const exchange = this.#exchange;
    if (exchange === undefined || this.isClosed) return;
    this.#exchange = undefined;
    exchange.finish();
    const isHeardOut = exchange.complete && exchange.endsConnection && !this.#input.hasWaiting;
    if (this.#isLastAnswer && !isHeardOut) {
      this.#linger();
    } else if (this.#isLastAnswer) {
      this.#end();
    } else if (exchange.complete) {
      this.#next();
      this.releaseBody();
    } else {
      this.#setPhase("rest");
      this.releaseBody();
    }
  };

  /** Expects another request. */
  #next(): void {
    if (this.isClientEnded && !this.#input.hasWaiting) {
      this.#end();
      return;
    }
    this.#setPhase("idle");
    this.#reader.release();
    this.#reader.next();
  }

  /** Answers, and ends the connection: what follows on it could be read in another way. */
  #refuse(refusal: Refusal): void {
    const ray = this.#rules.noteRefusal({ ...refusal, peer: this.peer });
    this.socket.write(refusalText(refusal, ray), "latin1");
    this.#linger();
  }

  /** Closes once the client has what was written. */
  #end(): void {
    this.#setPhase("ending");
    this.socket.destroySoon();
  }

  /** A client that still sends would lose the answer to a reset: it is heard to its end. */
  #linger(): void {
    this.#setPhase("lingering");
    if (this.isClientEnded) this.socket.destroySoon();
    else this.socket.end();
    this.#input.received = 0;
    this.#input.close(true);
  }

  /** Leaves the socket, with what was not read, to who goes on with it. */
  #leave(): void {
    const { socket } = this;
    this.#setPhase("left");
    socket.removeAllListeners("data");
    // Nothing flows before somebody reads, as on a socket that nobody has read from.
    (socket as { readableFlowing: boolean | null }).readableFlowing = null;
    const waiting = this.#input.takeWaiting();
    if (waiting !== undefined) socket.unshift(waiting);
    this.#input.close(false);
  }
}
