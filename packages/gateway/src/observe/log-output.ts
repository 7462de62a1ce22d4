// Where the lines of the log go. A log that cannot be written (a full disk, a reader that is gone
// or reads no more) must not end, stop or grow the gateway: lines wait in a bounded buffer, and
// those that do not fit are counted. The count is told once lines can be written again.
import { type LogSink, openStandardError } from "./log-sink.ts";

/** Bytes that wait at most. A few thousand lines: a reader that restarts loses none. */
const capacity = 1024 * 1024;
/** How soon what could not be written is tried again, milliseconds. */
const retryMs = 250;

/** The destination of a logger: takes whole lines, never throws and never waits. */
export class LogOutput {
  readonly #sink: LogSink;
  readonly #tellLoss: (lines: number) => void;
  #waitingLines: Buffer[] = [];
  #waitingBytes = 0;
  #lostLines = 0;
  #retry: NodeJS.Timeout | undefined;

  /** @param tellLoss is told how many lines were lost, when another one can be written */
  constructor(tellLoss: (lines: number) => void, sink: LogSink = openStandardError()) {
    this.#tellLoss = tellLoss;
    this.#sink = sink;
    // What waits at the end of the process has one more chance.
    process.once("exit", () => this.#drain());
  }

  /** Takes lines of JSON or words, each with its line feed. */
  write(lines: string): void {
    const bytes = Buffer.from(escaped(lines));
    if (this.#waitingBytes + bytes.length > capacity) {
      this.#lostLines += lines.split("\n").length - 1;
      return;
    }
    this.#waitingLines.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#retry === undefined) this.#drain();
  }

  #drain(): void {
    for (let line = this.#waitingLines[0]; line !== undefined; line = this.#waitingLines[0]) {
      const length = this.#sink.write(line);
      this.#waitingBytes -= length;
      if (length < line.length) {
        this.#waitingLines[0] = line.subarray(length);
        this.#tryAgainLater();
        return;
      }
      this.#waitingLines.shift();
    }
    this.#admitLoss();
  }

  #admitLoss(): void {
    const lines = this.#lostLines;
    if (lines === 0) return;
    this.#lostLines = 0;
    this.#tellLoss(lines);
  }

  #tryAgainLater(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#drain();
    }, retryMs).unref();
  }
}

/**
 * What JSON lets stand and terminals obey: C1 controls (U+009B begins an escape sequence), line
 * separators, and marks that turn the order of what is read around.
 */
const obeyedCharacters = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The same JSON: these characters stand in strings alone, where an escape says the same. */
function escaped(line: string): string {
  return line.replace(obeyedCharacters, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
