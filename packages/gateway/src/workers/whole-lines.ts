// What a process writes, as whole lines: several processes share one log, and no line of one must
// stand in the middle of another's.

/** Characters after which a line is ended for the process. No line of a log is as long. */
const longestLine = 1024 * 1024;

/** Takes pieces of text, and passes whole lines on, line feeds included. */
export class WholeLines {
  readonly #pass: (lines: string) => void;
  #rest = "";

  constructor(pass: (lines: string) => void) {
    this.#pass = pass;
  }

  add(text: string): void {
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) {
      this.#pass(this.#rest + text.slice(0, end));
      this.#rest = "";
    }
    this.#rest += text.slice(end);
    if (this.#rest.length > longestLine) this.end();
  }

  /** Nothing follows: what is left is a line. */
  end(): void {
    if (this.#rest !== "") this.#pass(`${this.#rest}\n`);
    this.#rest = "";
  }
}
