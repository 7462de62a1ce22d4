// What a client holds open: an upgrade, an event stream, a download. The same face over HTTP/1.1
// and over HTTP/2, byte for byte below it.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import * as h2 from "./h2-frames.ts";

/** An answer that goes on, from its client's side. */
export interface OpenStream {
  /** of the answer; undefined before its head has arrived */
  readonly status: number | undefined;
  /** what came behind the head, as text */
  readonly received: string;
  /** whether nothing can come any more */
  readonly ended: boolean;
  /** whether it ended as answers do that are whole */
  readonly isWhole: boolean;
  /** goes away without a word */
  close(): void;
}

/** Sends the text, and listens. */
export async function openHttp1(
  port: number,
  text: string,
  localAddress?: string,
): Promise<OpenStream> {
  const address = { host: "127.0.0.1", port };
  const socket = connect(localAddress === undefined ? address : { ...address, localAddress });
  const stream = new Http1Stream(socket);
  await once(socket, "connect");
  socket.write(text, "latin1");
  return stream;
}

class Http1Stream implements OpenStream {
  ended = false;
  #raw = "";
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#raw += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    for (const event of ["end", "close"])
      socket.on(event, () => {
        this.ended = true;
      });
  }

  get status(): number | undefined {
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(this.#raw) ?? [];
    return status === undefined ? undefined : Number(status);
  }

  get received(): string {
    const end = this.#raw.indexOf("\r\n\r\n");
    return end < 0 ? "" : this.#raw.slice(end + 4);
  }

  get isWhole(): boolean {
    return this.#raw.endsWith("\r\n0\r\n\r\n");
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Sends the frames of stream 1, and listens. @param mayTunnel waits until the server allows it */
export async function openHttp2(
  port: number,
  frames: readonly Buffer[],
  mayTunnel: boolean,
): Promise<OpenStream> {
  const client = await h2.FrameClient.open(port);
  // Only a server that announces it may be asked (RFC 8441 3).
  if (mayTunnel) await client.next("SETTINGS");
  client.send(...frames);
  return new Http2Stream(client);
}

class Http2Stream implements OpenStream {
  readonly #client: h2.FrameClient;

  constructor(client: h2.FrameClient) {
    this.#client = client;
  }

  get status(): number | undefined {
    const head = this.#ofStream("HEADERS")[0];
    return head && h2.statusOf(head.payload);
  }

  get received(): string {
    const pieces = this.#ofStream("DATA").map(({ payload }) => payload);
    return Buffer.concat(pieces).toString("latin1");
  }

  get ended(): boolean {
    return this.#client.closed || this.isWhole || this.#ofStream("RST_STREAM").length > 0;
  }

  get isWhole(): boolean {
    const carriers = [...this.#ofStream("HEADERS"), ...this.#ofStream("DATA")];
    return carriers.some(({ flags }) => (flags & h2.flags.END_STREAM) !== 0);
  }

  close(): void {
    this.#client.close();
  }

  #ofStream(type: h2.FrameType): h2.Frame[] {
    return this.#client.frames.filter((each) => each.stream === 1 && each.type === type);
  }
}
