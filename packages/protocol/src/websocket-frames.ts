// The frames of WebSocket (RFC 6455 5), for both sides: one grammar and no tolerance. A client
// masks every frame and a server none (5.3). Payloads are handed on as they arrive, whatever the
// length of their frame, so nothing is gathered but the 125 bytes of a control frame. No extension
// is ever agreed on.

/** Codes of close frames (RFC 6455 7.4.1). */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  noCode: 1005,
  badText: 1007,
  policy: 1008,
  tooLong: 1009,
  fault: 1011,
} as const;

/** What the peer sent is no WebSocket: the connection must end with a close frame (7.1.7). */
export class FrameFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What is read, in the order of the bytes. After `close` no other call follows. */
export interface FrameEvents {
  /** A piece of a message, text and binary alike. @param bytes lie in what was read, unmasked */
  data(bytes: Buffer): void;
  /** A binary message of one frame and no bytes. */
  emptyMessage(): void;
  /** @param payload to be sent back in a pong */
  ping(payload: Buffer): void;
  /** @param code 1005 where the frame has none */
  close(code: number, reason: string): void;
}

export const opcodes = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

const controlLimit = 125;
const finBit = 0x80;
const reservedBits = 0x70;
const maskBit = 0x80;
const maskLength = 4;
/** two bytes, a length of 64 bits, the mask */
const longestHead = 14;

/** Who sent a frame. */
export type Side = "client" | "server";

/** Reads the frames of one peer. */
export class FrameReader {
  readonly #maskLength: number;
  readonly #events: FrameEvents;
  /** a head, or the payload of a control frame, whose end has not arrived */
  readonly #partial = Buffer.alloc(controlLimit + longestHead);
  #partialLength = 0;
  #opcode: number = opcodes.binary;
  #isFinal = true;
  /** whether a message has begun whose last frame has not */
  #isInMessage = false;
  #isInPayload = false;
  /** bytes of the payload that are still to come */
  #remaining = 0;
  /** four bytes, the next one to be used first */
  #mask = 0;
  #isClosed = false;

  /** @param peer the frames of a client are masked, and those of a server are not */
  constructor(peer: Side, events: FrameEvents) {
    this.#maskLength = peer === "client" ? maskLength : 0;
    this.#events = events;
  }

  /**
   * Takes what arrived, and writes over it where it is masked.
   * @throws {FrameFault}
   */
  read(arrived: Buffer): void {
    let at = 0;
    while (at < arrived.length && !this.#isClosed)
      at = this.#isInPayload ? this.#readPayload(arrived, at) : this.#readHead(arrived, at);
  }

  /** Gathers a head, which is complete at a length that its second byte tells. */
  #readHead(arrived: Buffer, at: number): number {
    let next = at;
    while (next < arrived.length) {
      this.#partial[this.#partialLength++] = arrived[next++] ?? 0;
      if (this.#partialLength < 2) continue;
      if (this.#partialLength === 2) this.#checkStart(this.#partial[0] ?? 0, this.#partial[1] ?? 0);
      const length = headLength((this.#partial[1] ?? 0) & 0x7f) + this.#maskLength;
      if (this.#partialLength < length) continue;
      this.#beginPayload();
      break;
    }
    return next;
  }

  /** What the first two bytes must keep to (5.2, 5.4, 5.5). */
  #checkStart(first: number, second: number): void {
    const opcode = first & 0x0f;
    const isControl = opcode >= 0x8;
    if ((first & reservedBits) !== 0) throw protocolError("a reserved bit is set");
    if (!knownOpcodes.has(opcode)) throw protocolError("the opcode is unknown");
    this.#checkMask((second & maskBit) !== 0);
    this.#isFinal = (first & finBit) !== 0;
    this.#opcode = opcode;
    if (isControl) {
      if (!this.#isFinal) throw protocolError("a control frame is fragmented");
      if ((second & 0x7f) > controlLimit) throw protocolError("a control frame is too long");
      return;
    }
    const continues = opcode === opcodes.continuation;
    if (continues && !this.#isInMessage) throw protocolError("nothing is to be continued");
    if (!continues && this.#isInMessage) throw protocolError("a message is not complete");
  }

  #checkMask(isMasked: boolean): void {
    const mustBeMasked = this.#maskLength > 0;
    if (isMasked === mustBeMasked) return;
    throw protocolError(mustBeMasked ? "a frame is not masked" : "a server's frame is masked");
  }

  #beginPayload(): void {
    const head = this.#partial.subarray(0, this.#partialLength);
    this.#partialLength = 0;
    this.#remaining = payloadLength(head);
    if (this.#maskLength > 0) this.#mask = head.readUInt32LE(head.length - maskLength);
    if (this.#opcode >= 0x8) {
      this.#isInPayload = true;
      if (this.#remaining === 0) this.#endControl();
      return;
    }
    const isEmptyMessage =
      this.#opcode === opcodes.binary && this.#isFinal && this.#remaining === 0;
    this.#isInMessage = !this.#isFinal;
    this.#isInPayload = this.#remaining > 0;
    if (isEmptyMessage) this.#events.emptyMessage();
  }

  #readPayload(arrived: Buffer, at: number): number {
    const end = Math.min(arrived.length, at + this.#remaining);
    const piece = arrived.subarray(at, end);
    this.#remaining -= piece.length;
    if (this.#maskLength > 0) this.#mask = applyMask(piece, this.#mask);
    if (this.#opcode < 0x8) {
      this.#isInPayload = this.#remaining > 0;
      this.#events.data(piece);
      return end;
    }
    piece.copy(this.#partial, this.#partialLength);
    this.#partialLength += piece.length;
    if (this.#remaining === 0) this.#endControl();
    return end;
  }

  #endControl(): void {
    const payload = Buffer.from(this.#partial.subarray(0, this.#partialLength));
    this.#partialLength = 0;
    this.#isInPayload = false;
    if (this.#opcode === opcodes.ping) this.#events.ping(payload);
    if (this.#opcode !== opcodes.close) return;
    this.#isClosed = true;
    const { code, reason } = readClose(payload);
    this.#events.close(code, reason);
  }
}

const knownOpcodes: ReadonlySet<number> = new Set(Object.values(opcodes));

/** Length of a head without its mask. @param shortLength 126 and 127 name a longer form (5.2) */
function headLength(shortLength: number): number {
  switch (shortLength) {
    case 126:
      return 4;
    case 127:
      return 10;
    default:
      return 2;
  }
}

/** The one way to write a length is the shortest (5.2). */
function payloadLength(head: Buffer): number {
  const short = (head[1] ?? 0) & 0x7f;
  if (short < 126) return short;
  if (short === 126) {
    const length = head.readUInt16BE(2);
    if (length < 126) throw protocolError("a length is not written in its shortest form");
    return length;
  }
  const high = head.readUInt32BE(2);
  const length = high * 2 ** 32 + head.readUInt32BE(6);
  if (high >= 2 ** 31) throw protocolError("a length has its highest bit set");
  if (length < 65_536) throw protocolError("a length is not written in its shortest form");
  if (!Number.isSafeInteger(length))
    throw new FrameFault(closeCodes.tooLong, "a frame is too long");
  return length;
}

function readClose(payload: Buffer): { code: number; reason: string } {
  if (payload.length === 0) return { code: closeCodes.noCode, reason: "" };
  if (payload.length === 1) throw protocolError("half a code is in a close frame");
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) throw protocolError("a close frame has a code that is none");
  return { code, reason: readReason(payload.subarray(2)) };
}

function readReason(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FrameFault(closeCodes.badText, "a reason is not UTF-8");
  }
}

/** Codes that may stand in a frame (7.4). */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

function protocolError(message: string): FrameFault {
  return new FrameFault(closeCodes.protocolError, message);
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Fewer bytes are not worth a view of whole words, which are read lowest byte first. */
const wordsFrom = isLittleEndian ? 48 : Number.POSITIVE_INFINITY;

/**
 * Puts a mask on, or takes it off, in place, whole words at a time (5.3).
 * @param mask its four bytes, the first to be used lowest
 * @returns the mask as it goes on behind these bytes
 */
function applyMask(bytes: Buffer, mask: number): number {
  const { length } = bytes;
  if (length < wordsFrom) return maskBytes(bytes, 0, length, mask);

  // 1. Bytes, up to where a word begins in memory.
  const start = -bytes.byteOffset & 3;
  const rest = maskBytes(bytes, 0, start, mask);

  // 2. Words.
  const count = (length - start) >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, count);
  for (let index = 0; index < count; index++) words[index] = (words[index] ?? 0) ^ rest;

  // 3. What is left.
  return maskBytes(bytes, start + 4 * count, length, rest);
}

function maskBytes(bytes: Buffer, from: number, to: number, mask: number): number {
  let rest = mask;
  for (let index = from; index < to; index++) {
    bytes[index] = (bytes[index] ?? 0) ^ (rest & 0xff);
    rest = (rest >>> 8) | (rest << 24);
  }
  return rest;
}

/** A frame of a server's with these bytes, which are copied. It is never a fragment. */
export function writeFrame(opcode: number, payload: Uint8Array): Buffer {
  const headSize = headLength(shortLengthOf(payload.length));
  const frame = Buffer.allocUnsafe(headSize + payload.length);
  writeHead(frame, opcode, payload.length);
  frame.set(payload, headSize);
  return frame;
}

/** Before a masked payload, so that it begins where a word does in memory. */
const roomForHead = 16;

/**
 * The same of a client's.
 * @param mask 32 bits that nobody can foresee (10.3)
 */
export function writeMaskedFrame(opcode: number, payload: Uint8Array, mask: number): Buffer {
  const headSize = headLength(shortLengthOf(payload.length)) + maskLength;
  const memory = Buffer.allocUnsafe(roomForHead + payload.length);
  const frame = memory.subarray(roomForHead - headSize);
  writeHead(frame, opcode, payload.length);
  frame[1] = maskBit | (frame[1] ?? 0);
  frame.writeUInt32LE(mask >>> 0, headSize - maskLength);
  frame.set(payload, headSize);
  applyMask(memory.subarray(roomForHead), mask);
  return frame;
}

/** Writes what stands before mask and payload. */
function writeHead(frame: Buffer, opcode: number, length: number): void {
  const shortLength = shortLengthOf(length);
  frame[0] = finBit | opcode;
  frame[1] = shortLength;
  if (shortLength === 126) frame.writeUInt16BE(length, 2);
  if (shortLength === 127) frame.writeBigUInt64BE(BigInt(length), 2);
}

/** The length as the second byte has it: itself, or which longer form follows. */
function shortLengthOf(length: number): number {
  if (length < 126) return length;
  return length < 65_536 ? 126 : 127;
}

/** A close frame of a server's. @param reason cut at 123 bytes, ASCII */
export function writeCloseFrame(code: number, reason: string): Buffer {
  const payload = Buffer.allocUnsafe(2 + Math.min(reason.length, controlLimit - 2));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2, "latin1");
  return writeFrame(opcodes.close, payload);
}
