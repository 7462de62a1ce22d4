// A request that asks to go on with another protocol on its connection (RFC 9110 7.8). Node hands
// over the socket. Either the gateway goes on with it as a tunnel, or it gets an ordinary answer
// and ends: the client may have sent bytes of the other protocol already.
import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionRules, NodeHttp1Exchange } from "./node-http1.ts";
import type { Exchange, ResponseHead } from "./transport.ts";
import { takenProtocol } from "./upgrade-request.ts";

/** What Node hands over. */
export interface UpgradeRequest {
  request: IncomingMessage;
  socket: Socket;
  /** what the client sent behind the head */
  firstBytes: Buffer;
}

/** One such request, and the answer or the tunnel that it gets. */
export class NodeHttp1Upgrade extends NodeHttp1Exchange implements Exchange {
  readonly #released: UpgradeRequest;
  readonly #rules: ConnectionRules;
  readonly #response: ServerResponse;
  readonly #protocol: string;

  constructor(released: UpgradeRequest, rules: ConnectionRules) {
    const { request, socket } = released;
    const response = new ServerResponse(request);
    const protocol = takenProtocol(request) ?? "";
    super(request, response, rules, protocol.toLowerCase());
    this.#released = released;
    this.#rules = rules;
    this.#response = response;
    this.#protocol = protocol;
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => endSocket(socket));
  }

  upgrade(head: ResponseHead): Duplex {
    const { socket, firstBytes } = this.#released;
    this.onAbort = undefined;
    this.#response.detachSocket(socket);
    // No other answer can be given, and this one is not cut off.
    this.response.onCut = undefined;
    this.#response.destroy();
    this.#rules.beginTunnel(socket);
    const { onFinish } = this.response;
    if (onFinish !== undefined) socket.once("close", () => onFinish(head.status));
    socket.write(headText(head, this.#protocol), "latin1");
    if (firstBytes.length > 0) socket.unshift(firstBytes);
    return socket;
  }

  override destroy(): void {
    this.#released.socket.destroy();
  }
}

/** What the client sends meanwhile is dropped: unread, it would reset the connection. */
function endSocket(socket: Socket): void {
  socket.resume();
  socket.destroySoon();
}

function headText({ status, reason, rawHeaders }: ResponseHead, protocol: string): string {
  let head = `HTTP/1.1 ${status} ${reason ?? STATUS_CODES[status]}\r\n`;
  head += `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2)
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${head}\r\n`;
}
