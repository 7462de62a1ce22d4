// What a client sends, on its way from the socket to the reader. Bytes whose turn has not come stay
// here, one piece of them, and the socket rests until they are read.
import type { Socket } from "node:net";
import { atEndOfTurn } from "./end-of-turn.ts";
import type { RequestReader } from "./request-reader.ts";

/** The input of one connection. */
export class Http1Input {
  /** bytes that have arrived */
  received = 0;
  /** whether the bytes that are read are in a buffer that the next read overwrites */
  isShared = false;
  readonly #socket: Socket;
  readonly #reader: RequestReader;
  readonly #isEncrypted: boolean;
  /** what arrived and was not read yet */
  #waiting: Buffer | undefined;
  /** whether nothing is read from the socket */
  #rests = false;
  #isReading = false;
  #isClosed = false;

  /** @param isEncrypted whether pieces are of their own, and no other read overwrites them */
  constructor(socket: Socket, reader: RequestReader, isEncrypted: boolean) {
    this.#socket = socket;
    this.#reader = reader;
    this.#isEncrypted = isEncrypted;
  }

  get hasWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** whether more may be read from the socket now */
  get takesMore(): boolean {
    return !this.#rests;
  }

  /** Reads what arrived, and keeps what the reader does not look at. */
  take(arrived: Buffer): void {
    if (this.#waiting !== undefined) {
      this.#keep(Buffer.concat([this.#waiting, arrived]));
      return;
    }
    this.isShared = !this.#isEncrypted;
    const left = this.#read(arrived);
    this.isShared = false;
    if (left > 0) this.#keep(Buffer.from(arrived.subarray(arrived.length - left)));
  }

  /** Goes on with what waits, once the reader looks at more. Not from within its events. */
  readOn(): void {
    if (this.#isReading) return;
    const bytes = this.#waiting;
    this.#waiting = undefined;
    const left = bytes === undefined ? 0 : this.#read(bytes);
    if (bytes !== undefined && left > 0) this.#keep(bytes.subarray(bytes.length - left));
    else this.#wake();
  }

  /** Reads from the socket again when the other sockets were read. */
  letOthersRead(): void {
    if (this.#rests || this.#isClosed) return;
    this.#rests = true;
    atEndOfTurn(() => {
      if (this.#waiting === undefined) this.#wake();
    });
  }

  /** Keeps bytes that say too little by themselves, and goes on to listen. */
  setAside(bytes: Buffer): void {
    this.#waiting = Buffer.from(bytes);
  }

  /** Takes out what waits. */
  takeWaiting(): Buffer | undefined {
    const bytes = this.#waiting;
    this.#waiting = undefined;
    return bytes;
  }

  /** Nothing is kept any more. @param isHeard whether the client is heard to its end */
  close(isHeard: boolean): void {
    this.#isClosed = true;
    this.#waiting = undefined;
    if (isHeard) this.#wake();
    this.#rests = false;
  }

  #read(bytes: Buffer): number {
    this.#isReading = true;
    const left = this.#reader.read(bytes);
    this.#isReading = false;
    return left;
  }

  #keep(bytes: Buffer): void {
    if (this.#isClosed) return;
    this.#waiting = bytes;
    this.#rests = true;
  }

  #wake(): void {
    if (!this.#rests) return;
    this.#rests = false;
    this.#socket.resume();
  }
}
