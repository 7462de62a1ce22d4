// Origins and clients of upgrades, byte for byte.
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { gatewayTo, host, rawOrigin } from "./forward-fixture.ts";

/** The lines of a proper request for a WebSocket. */
export const webSocketLines = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** A head of a request. */
export function requestHead(lines: readonly string[], requestLine = "GET /chat HTTP/1.1"): string {
  return [requestLine, `Host: ${host}`, ...lines, "", ""].join("\r\n");
}

/** The answer with which an origin goes on. */
export function switching(protocol = "websocket", lines: readonly string[] = []): string {
  const head = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", `Upgrade: ${protocol}`];
  return [...head, ...lines, "", ""].join("\r\n");
}

/** A socket, and what it has received. */
export class Peer {
  readonly socket: Socket;
  received = "";
  ended = false;
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.closed = true;
    });
    socket.on("error", () => undefined);
  }

  /** whether the head of a message has arrived */
  get hasHead(): boolean {
    return this.received.includes("\r\n\r\n");
  }

  /** what has arrived behind the first head */
  get body(): string {
    const end = this.received.indexOf("\r\n\r\n");
    return end < 0 ? "" : this.received.slice(end + 4);
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }
}

/** A client of 127.0.0.1, whose sides end by themselves. */
export function dial(context: TestContext, port: number, text = ""): Peer {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  context.after(() => socket.destroy());
  const peer = new Peer(socket);
  if (text !== "") peer.send(text);
  return peer;
}

/** A gateway, open to everybody, in front of an origin that `answer` speaks for. */
export async function upgradeScene(
  context: TestContext,
  answer: (peer: Peer, count: number) => void,
  originRequest: Record<string, unknown> = {},
): Promise<{ port: number; origins: Peer[] }> {
  const origins: Peer[] = [];
  const { origin } = await rawOrigin(context, (socket) => {
    const peer = new Peer(socket);
    origins.push(peer);
    socket.on("data", () => {
      if (peer.hasHead) answer(peer, origins.length);
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin, originRequest }]);
  return { port: gateway.port, origins };
}
