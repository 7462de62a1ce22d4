// Bytes that say too little before more arrive. Room for them doubles, so that bytes which come one
// by one are copied a few times each, and not once for every byte behind them.

const nothing = Buffer.alloc(0);
const leastRoom = 256;

/** The beginning of something whose end has not arrived. */
export class UnreadBytes {
  #room: Buffer = nothing;
  #length = 0;

  /** All bytes up to now. @returns where nothing was kept, `arrived` itself; valid until `keep` */
  followedBy(arrived: Buffer): Buffer {
    if (this.#length === 0) return arrived;
    const before = this.#length;
    this.#makeRoom(before + arrived.length);
    arrived.copy(this.#room, before);
    this.#length = before + arrived.length;
    return this.#room.subarray(0, this.#length);
  }

  /**
   * Keeps these bytes and no others.
   * @param bytes what `followedBy` returned
   * @param from the first one to keep
   */
  keep(bytes: Buffer, from: number): void {
    const isKept = from === 0 && this.#length === bytes.length;
    if (isKept) return;
    this.#makeRoom(bytes.length - from);
    bytes.copy(this.#room, 0, from);
    this.#length = bytes.length - from;
  }

  clear(): void {
    this.#room = nothing;
    this.#length = 0;
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#room.length) return;
    const larger = Buffer.allocUnsafe(Math.max(leastRoom, bytes, 2 * this.#room.length));
    this.#room.copy(larger, 0, 0, this.#length);
    this.#room = larger;
  }
}
