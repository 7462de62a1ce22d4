// How the official client opens a stream (wire-protocol 10), restated from its observed behaviour:
// a WebSocket without extensions, subprotocol and `Origin`, whose frames are binary and masked. It
// sends no close frame: when it is done, it ends the connection.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { clientFrame } from "../../support/client-frame.ts";
import type { Wire } from "./wire.ts";

/** What a dial comes to: a stream, or the answer in its place. */
export type Dialled =
  | { stream: ClientStream; location?: undefined; status: 101 }
  /** `location` where it takes the answer for one of Access: 302 to the login path */
  | { stream?: undefined; location: URL | undefined; status: number };

/** Bytes to and fro. */
export class ClientStream {
  readonly #socket: TLSSocket;
  #unread: Buffer;
  #received = "";

  constructor(socket: TLSSocket, first: Buffer) {
    this.#socket = socket;
    this.#unread = first;
    this.#read();
    socket.on("data", (piece: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, piece]);
      this.#read();
    });
  }

  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.#socket.write(clientFrame(0x2, text));
  }

  /** As the program does when its standard input has ended. */
  end(): void {
    this.#socket.destroy();
  }

  /** Takes whole frames: data of any kind is bytes, pings are answered. */
  #read(): void {
    while (this.#unread.length >= 2) {
      const short = (this.#unread[1] ?? 0) & 0x7f;
      const start = short < 126 ? 2 : 4;
      if (this.#unread.length < start) return;
      const length = short < 126 ? short : this.#unread.readUInt16BE(2);
      if (this.#unread.length < start + length) return;
      const payload = this.#unread.subarray(start, start + length);
      const opcode = (this.#unread[0] ?? 0) & 0x0f;
      if (opcode <= 0x2) this.#received += payload.toString("latin1");
      if (opcode === 0x9) this.#socket.write(clientFrame(0xa, payload));
      this.#unread = this.#unread.subarray(start + length);
    }
  }
}

/** One dial to `/` of an application. */
export async function dialAsClient(
  wire: Wire,
  url: string,
  headers: Record<string, string> = {},
): Promise<Dialled> {
  const { hostname, host, port } = new URL(url);
  const socket = connect({
    host: "127.0.0.1",
    port: Number(port),
    servername: hostname,
    ca: wire.ca,
  });
  await once(socket, "secureConnect");
  const lines = [
    "GET / HTTP/1.1",
    `Host: ${host}`,
    "User-Agent: Go-http-client/1.1",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
    "Upgrade: websocket",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);

  let bytes = Buffer.alloc(0);
  while (!bytes.includes("\r\n\r\n")) {
    const [piece] = (await once(socket, "data")) as [Buffer];
    bytes = Buffer.concat([bytes, piece]);
  }
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, end);
  const status = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3));
  if (status === 101) return { status, stream: new ClientStream(socket, bytes.subarray(end + 4)) };

  socket.destroy();
  const [, target = ""] = /^location: (.*)$/im.exec(head) ?? [];
  const location = status === 302 ? new URL(target, url) : undefined;
  const isOfAccess = location?.pathname.startsWith("/cdn-cgi/access/login") === true;
  return { status, location: isOfAccess ? location : undefined };
}
