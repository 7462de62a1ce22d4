// HTTP/2 frame by frame, as no library would send it: the adversary of the tests. Fields are HPACK
// literals without indexing and without Huffman coding, so that a test reads what it writes (RFC
// 9113, RFC 7541).
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const types = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export type FrameType = keyof typeof types;

export const flags = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4 };

export const errors = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
};

export const settingsIds = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
};

/** A field of a header block: name and value, written as they are. */
export type Field = readonly [name: string, value: string];

export interface Frame {
  /** undefined for a type of RFC 9113's successors */
  type: FrameType | undefined;
  flags: number;
  stream: number;
  payload: Buffer;
}

// Writing.

/** Any frame, also one that breaks the rules. */
export function frame(
  type: FrameType,
  flag: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** SETTINGS with pairs of identifier and value. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  });
  return frame("SETTINGS", 0, 0, payload);
}

/** HEADERS with a whole block. @param more flags beside END_HEADERS */
export function headers(stream: number, fields: readonly Field[], more = flags.END_STREAM): Buffer {
  return frame("HEADERS", flags.END_HEADERS | more, stream, block(fields));
}

export function data(stream: number, body: string | Buffer, flag = flags.END_STREAM): Buffer {
  return frame("DATA", flag, stream, Buffer.from(body as string));
}

export function rstStream(stream: number, code = errors.CANCEL): Buffer {
  return frame("RST_STREAM", 0, stream, uint32(code));
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return frame("WINDOW_UPDATE", 0, stream, uint32(increment));
}

export function ping(flag = 0): Buffer {
  return frame("PING", flag, 0, Buffer.alloc(8));
}

/** A header block: literals without indexing (RFC 7541 6.2.2). A character is a byte (latin1). */
export function block(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0]),
      stringLiteral(name),
      stringLiteral(value),
    ]),
  );
}

/** RFC 7541 5.2, without Huffman coding. */
export function stringLiteral(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([prefixedInteger(bytes.length, 7), bytes]);
}

/** RFC 7541 5.1; the bits before the prefix are 0. */
function prefixedInteger(value: number, prefixBits: number): Buffer {
  const limit = 2 ** prefixBits - 1;
  if (value < limit) return Buffer.from([value]);
  const bytes = [limit];
  let rest = value - limit;
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The head of a request that is in order. @param more fields after the pseudo-header fields */
export function requestFields(
  authority: string,
  path = "/",
  more: readonly Field[] = [],
  method = "GET",
): Field[] {
  return [
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", authority],
    ...more,
  ];
}

// Reading.

/** How one stream ended. */
export interface StreamOutcome {
  /** of the answer; undefined when there was none */
  status: number | undefined;
  body: string;
  /** the code of RST_STREAM, or of the GOAWAY that ended the connection; undefined without one */
  error: number | undefined;
}

/** One connection, whose frames the test writes itself. */
export class FrameClient {
  /** everything that arrived */
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  /** whether the other side has ended the connection */
  closed = false;
  #rest: Buffer = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => {
      this.closed = true;
      this.#tell();
    });
  }

  /** Connects to 127.0.0.1 and sends preface and SETTINGS. @param tls for a TLS listener */
  static async open(port: number, tls?: ConnectionOptions): Promise<FrameClient> {
    const client = await FrameClient.connect(port, tls);
    // Without a table on the other side the status of an answer can be read by itself.
    client.send(preface, settings([settingsIds.HEADER_TABLE_SIZE, 0]));
    return client;
  }

  /** Connects and sends nothing. */
  static async connect(port: number, tls?: ConnectionOptions): Promise<FrameClient> {
    const address = { host: "127.0.0.1", port };
    const socket =
      tls === undefined
        ? connect(address)
        : connectTls({ ...address, ALPNProtocols: ["h2"], rejectUnauthorized: false, ...tls });
    const client = new FrameClient(socket);
    await once(socket, tls === undefined ? "connect" : "secureConnect");
    return client;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Resolves with the first frame of this type, or undefined when the connection ends before. */
  async next(type: FrameType, stream?: number): Promise<Frame | undefined> {
    const look = () =>
      this.frames.find((each) => each.type === type && (stream ?? each.stream) === each.stream);
    await this.until(() => look() !== undefined || this.closed);
    return look();
  }

  /** Resolves when the stream has its whole answer, was reset, or the connection has ended. */
  async outcome(stream: number): Promise<StreamOutcome> {
    const ofStream = () => this.frames.filter((each) => each.stream === stream);
    const isOver = (each: Frame) => {
      if (each.type === "RST_STREAM") return true;
      const carries = each.type === "HEADERS" || each.type === "DATA";
      return carries && (each.flags & flags.END_STREAM) !== 0;
    };
    await this.until(() => ofStream().some(isOver) || this.closed);
    const frames = ofStream();
    const head = frames.find(({ type }) => type === "HEADERS");
    const bodies = frames.filter(({ type }) => type === "DATA").map(({ payload }) => payload);
    return {
      status: head && statusOf(head.payload),
      body: Buffer.concat(bodies).toString(),
      error:
        frames.find(({ type }) => type === "RST_STREAM")?.payload.readUInt32BE(0) ?? this.goAway,
    };
  }

  /** The code of the last GOAWAY. */
  get goAway(): number | undefined {
    return this.frames.findLast(({ type }) => type === "GOAWAY")?.payload.readUInt32BE(4);
  }

  /** Resolves when the condition holds; it is looked at whenever something arrives. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) break;
      this.frames.push(readFrame(this.#rest.subarray(0, 9 + length)));
      this.#rest = this.#rest.subarray(9 + length);
    }
    this.#tell();
  }

  #tell(): void {
    for (const look of [...this.#waiting]) look();
  }
}

function readFrame(bytes: Buffer): Frame {
  const number = bytes.readUInt8(3);
  return {
    type: (Object.keys(types) as FrameType[]).find((name) => types[name] === number),
    flags: bytes.readUInt8(4),
    stream: bytes.readUInt32BE(5),
    payload: bytes.subarray(9),
  };
}

/** The static table's whole entries for `:status` (RFC 7541 appendix A). */
const indexedStatus: Record<number, number> = {
  8: 200,
  9: 204,
  10: 206,
  11: 304,
  12: 400,
  13: 404,
  14: 500,
};

/** The status, which is the first field of an answer: indexed, or a literal named `:status`. */
export function statusOf(headerBlock: Buffer): number {
  let start = 0;
  // A change of the table's size comes first (RFC 7541 6.3).
  while (((headerBlock[start] ?? 0) & 0xe0) === 0x20) start++;
  const first = headerBlock[start] ?? 0;
  if ((first & 0x80) !== 0) return indexedStatus[first & 0x7f] ?? 0;
  const length = (headerBlock[start + 1] ?? 0) & 0x7f;
  const value = headerBlock.subarray(start + 2, start + 2 + length);
  const isHuffman = ((headerBlock[start + 1] ?? 0) & 0x80) !== 0;
  return Number(isHuffman ? huffmanDigits(value) : value.toString());
}

/** Digits in the code of RFC 7541 appendix B: 0 to 2 have five bits, 3 to 9 six. */
function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let digits = "";
  let at = 0;
  while (digits.length < 3) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2);
    const isShort = short <= 2;
    digits += isShort ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3;
    at += isShort ? 5 : 6;
  }
  return digits;
}
