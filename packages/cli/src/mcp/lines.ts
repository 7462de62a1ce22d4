// The agent's side: one message a line, both ways (MCP, "stdio").
import type { Readable, Writable } from "node:stream";
import { largestMessage } from "./json-rpc.ts";

const lineFeed = 0x0a;

/**
 * Hands over each line of the input, until it ends or the signal comes.
 * @param take undefined stands for a line of more bytes than a message may have
 */
export async function readLines(
  input: Readable,
  signal: AbortSignal,
  take: (line: string | undefined) => void,
): Promise<void> {
  const line = new PartialLine();
  try {
    for await (const piece of input.iterator({ destroyOnReturn: false })) {
      if (signal.aborted) return;
      for (const each of line.add(piece)) take(each);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What has come of a line; nothing is kept of one that is too long. */
class PartialLine {
  #pieces: Buffer[] = [];
  #size = 0;

  /** @returns the lines that the piece ends, but for empty ones */
  *add(piece: Buffer): Generator<string | undefined> {
    let start = 0;
    for (let end = piece.indexOf(lineFeed); end >= 0; end = piece.indexOf(lineFeed, start)) {
      this.#keep(piece.subarray(start, end));
      const line = this.#finish();
      if (line !== "") yield line;
      start = end + 1;
    }
    this.#keep(piece.subarray(start));
  }

  #keep(piece: Buffer): void {
    this.#size += piece.length;
    if (this.#size <= largestMessage) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  #finish(): string | undefined {
    const isTooLong = this.#size > largestMessage;
    const line = isTooLong ? undefined : Buffer.concat(this.#pieces).toString("utf8").trim();
    this.#pieces = [];
    this.#size = 0;
    return line;
  }
}

/** Writes a line, and waits until it is on its way. An output that is gone takes everything. */
export function writeLine(output: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    output.write(`${text}\n`, () => resolve());
  });
}
