// Frames of RFC 6455 as the ends of a measured stream need them: made with one allocation, and
// taken apart as they come, without waiting for the rest of a payload.

export const opcodes = { binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;
type Opcode = (typeof opcodes)[keyof typeof opcodes];

const finalBit = 0x80;
const maskBit = 0x80;
/** Of every frame that is masked here: what masking costs does not depend on the key. */
const maskKey = Buffer.from([0x5a, 0xc3, 0x96, 0x3c]);
/** At least as long as the longest head, and a whole number of words, so that words are masked. */
const room = 16;

/** @param isMasked as those of clients are */
export function frameOf(
  payload: Buffer,
  isMasked: boolean,
  opcode: Opcode = opcodes.binary,
): Buffer {
  const size = payload.length;
  const maskSize = isMasked ? maskKey.length : 0;
  const buffer = Buffer.allocUnsafe(room + size);
  payload.copy(buffer, room);
  const frame = buffer.subarray(room - 2 - lengthBytes(size) - maskSize);
  frame[0] = finalBit | opcode;
  frame[1] = (isMasked ? maskBit : 0) | lengthCode(size);
  if (size >= 65_536) frame.writeBigUInt64BE(BigInt(size), 2);
  else if (size >= 126) frame.writeUInt16BE(size, 2);
  if (!isMasked) return frame;
  maskKey.copy(buffer, room - maskSize);
  applyMask(buffer.subarray(room), maskKey, 0);
  return frame;
}

/** How many bytes of length follow the first two of a frame. */
function lengthBytes(size: number): number {
  if (size < 126) return 0;
  return size < 65_536 ? 2 : 8;
}

/** What the second byte says of a length. */
function lengthCode(size: number): number {
  if (size < 126) return size;
  return size < 65_536 ? 126 : 127;
}

/** A part of a frame's payload, or all of it. */
export interface Piece {
  opcode: number;
  payload: Buffer;
}

/** Takes frames apart, those of clients as well. Fragments are as good as frames. */
export class FrameReader {
  readonly #head = Buffer.alloc(14);
  #headLength = 0;
  #opcode = 0;
  #key: Buffer | undefined;
  /** of the payload: how much came, and how much is to come */
  #at = 0;
  #left = 0;

  /** @returns what is in `chunk`, unmasked in its place */
  *read(chunk: Buffer): Generator<Piece> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        at = this.#readHead(chunk, at);
        if (this.#headLength > 0 || this.#left > 0) continue;
        yield { opcode: this.#opcode, payload: chunk.subarray(at, at) };
        continue;
      }
      const payload = chunk.subarray(at, at + this.#left);
      if (this.#key !== undefined) applyMask(payload, this.#key, this.#at);
      this.#at += payload.length;
      this.#left -= payload.length;
      at += payload.length;
      yield { opcode: this.#opcode, payload };
    }
  }

  /** @returns where the head ends in `chunk`, or the end of it while the head is not whole */
  #readHead(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.#head[this.#headLength++] = chunk[at++] ?? 0;
      if (this.#headLength >= 2 && this.#headLength === headSize(this.#head)) {
        this.#beginPayload();
        break;
      }
    }
    return at;
  }

  #beginPayload(): void {
    const head = this.#head;
    const code = (head[1] ?? 0) & 0x7f;
    const isMasked = ((head[1] ?? 0) & maskBit) !== 0;
    this.#opcode = (head[0] ?? 0) & 0xf;
    this.#left = code;
    if (code === 126) this.#left = head.readUInt16BE(2);
    if (code === 127) this.#left = Number(head.readBigUInt64BE(2));
    const size = this.#headLength;
    this.#key = isMasked ? Buffer.from(head.subarray(size - 4, size)) : undefined;
    this.#at = 0;
    this.#headLength = 0;
  }
}

function headSize(head: Buffer): number {
  const second = head[1] ?? 0;
  const mask = (second & maskBit) === 0 ? 0 : 4;
  const code = second & 0x7f;
  if (code < 126) return 2 + mask;
  return (code === 126 ? 4 : 10) + mask;
}

/** @param at how much of the payload came before `bytes` */
function applyMask(bytes: Buffer, key: Buffer, at: number): void {
  const keyAt = (index: number) => key[(at + index) & 3] ?? 0;
  const lead = Math.min(bytes.length, (4 - (bytes.byteOffset & 3)) & 3);
  const count = (bytes.length - lead) >> 2;
  const tail = lead + count * 4;
  for (let index = 0; index < lead; index++) bytes[index] = (bytes[index] ?? 0) ^ keyAt(index);
  const [k0, k1, k2, k3] = [keyAt(lead), keyAt(lead + 1), keyAt(lead + 2), keyAt(lead + 3)];
  const word = k0 | (k1 << 8) | (k2 << 16) | (k3 << 24);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + lead, count);
  for (let index = 0; index < count; index++) words[index] = (words[index] ?? 0) ^ word;
  for (let index = tail; index < bytes.length; index++)
    bytes[index] = (bytes[index] ?? 0) ^ keyAt(index);
}
