// Questions on the terminal, asked on standard error so that standard output stays free. What is
// typed in answer to a secret one is not shown.
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { CliError } from "../../exit-status.ts";

/** Asks one question after the other. The terminal is its own from the first one until `close`. */
export class Prompt {
  #lines: Interface | undefined;
  #isSilent = false;

  /**
   * @throws {CliError} failure when the input ends before an answer, or on Ctrl-C
   */
  ask(question: string, { isSecret }: { isSecret: boolean }): Promise<string> {
    const lines = this.#open();
    return new Promise((resolve, reject) => {
      const leave = () =>
        reject(
          new CliError(
            "failure",
            "stopped before every question was answered; nothing was written",
          ),
        );
      lines.once("close", leave);
      lines.question(question, (answer) => {
        lines.off("close", leave);
        this.#isSilent = false;
        if (isSecret) process.stderr.write("\n");
        resolve(answer);
      });
      // The question has been shown by now; the echo of its answer is not.
      this.#isSilent = isSecret;
    });
  }

  /** Gives the terminal back. */
  close(): void {
    this.#lines?.close();
  }

  /** One interface for all: between two, the terminal itself would echo what is typed. */
  #open(): Interface {
    if (this.#lines !== undefined) return this.#lines;
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.#isSilent) process.stderr.write(chunk);
        done();
      },
    });
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    lines.once("SIGINT", () => lines.close());
    this.#lines = lines;
    return lines;
  }
}
