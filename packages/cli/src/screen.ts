// What the person sees on standard error: lines, and on a terminal one line below them that is
// drawn anew in its place.
import { printable } from "@postern/protocol/printable";
import {
  type Abilities,
  abilitiesOf,
  type ColorMode,
  cutLine,
  type Line,
  writtenLine,
} from "./styled-line.ts";

/** Where a screen writes to. */
export interface ScreenParts {
  environment: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  readonly onTerminal: boolean;
  /** undefined where it is not known */
  columns(): number | undefined;
  write(text: string): void;
}

const toStartOfLine = "\r\x1b[K";
const usualColumns = 80;

/** Writes lines for the person. */
export class Screen {
  readonly #parts: ScreenParts;
  /** the line that stands below the others, as it was written last */
  #status = "";

  constructor(parts: ScreenParts) {
    this.#parts = parts;
  }

  /** Writes a line. */
  tell(line: Line, color: ColorMode): void {
    const text = `${this.#written(line, color)}\n`;
    if (this.#status === "") this.#parts.write(text);
    else this.#parts.write(`${toStartOfLine}${text}${this.#status}`);
  }

  /**
   * Draws the line below the others anew; undefined takes it away. Nothing happens where there is
   * no terminal to draw on.
   */
  status(line: Line | undefined, color: ColorMode): void {
    if (line === undefined && this.#status === "") return;
    const abilities = this.#abilities(color);
    if (!abilities.redraws) return;
    // A line that wraps could not be taken away again.
    const columns = (this.#parts.columns() ?? usualColumns) - 1;
    this.#status = line === undefined ? "" : writtenLine(cutLine(line, columns), abilities);
    this.#parts.write(`${toStartOfLine}${this.#status}`);
  }

  /** What the terminal can do is asked only for a line that needs it: asking loads a module. */
  #written(line: Line, color: ColorMode): string {
    return typeof line === "string" ? printable(line) : writtenLine(line, this.#abilities(color));
  }

  #abilities(color: ColorMode): Abilities {
    return abilitiesOf(this.#parts, color);
  }
}
