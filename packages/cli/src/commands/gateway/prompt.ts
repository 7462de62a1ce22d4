// Questions on the terminal, asked on standard error so that standard output stays free. What is
// typed in answer to a secret one is not shown.
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { CliError } from "../../exit-status.ts";

const stopped = "stopped before every question was answered; nothing was written";

/** Asks one question after the other. The terminal is its own from the first one until `close`. */
export class Prompt {
  #lines: Interface | undefined;
  /** ends the question that is open */
  #stop: (() => void) | undefined;
  #isSilent = true;

  /**
   * @throws {CliError} failure when the input ends before an answer, or on Ctrl-C
   */
  ask(question: string, { isSecret }: { isSecret: boolean }): Promise<string> {
    const lines = this.#open();
    // Drops what was typed since the answer before: nobody could see what it would answer.
    lines.write(null, { ctrl: true, name: "u" });
    return new Promise((resolve, reject) => {
      this.#stop = () => {
        process.stderr.write("\n");
        reject(new CliError("failure", stopped));
      };
      this.#isSilent = false;
      lines.question(question, (answer) => {
        this.#stop = undefined;
        this.#isSilent = true;
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

  /**
   * One interface for all: between two, the terminal itself would echo what is typed, such as the
   * second line of a secret that was pasted.
   */
  #open(): Interface {
    if (this.#lines !== undefined) return this.#lines;
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.#isSilent) process.stderr.write(chunk);
        done();
      },
    });
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    lines.once("close", () => this.#stop?.());
    lines.once("SIGINT", () => this.#interrupt(lines));
    this.#lines = lines;
    return lines;
  }

  /** Ctrl-C while nothing is asked ends the process, as it would without this interface. */
  #interrupt(lines: Interface): void {
    const isAsking = this.#stop !== undefined;
    lines.close();
    if (!isAsking) process.kill(process.pid, "SIGINT");
  }
}
