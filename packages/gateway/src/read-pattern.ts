// The path of a pattern as origins read it: each reading of a request's path is compared with the
// same reading of the pattern.
import { compileExactPath, compilePath } from "@postern/protocol";
import { type PathReading, type PathTraits, traitsOf } from "./path-readings.ts";

/** A pattern's path under one reading. */
export interface PatternForm {
  /** two patterns with one text are spellings of each other to that origin */
  text: string;
  /** @param path under the same reading */
  covers(path: string): boolean;
}

/** In a pattern under a reading. No path holds it, and `*` may come out of an escape there. */
const wildcard = "\0";

/** The forms of one pattern's path, made when they are first asked for. */
export class ReadPattern {
  readonly traits: PathTraits;
  readonly #path: string;
  readonly #isExact: boolean;
  readonly #forms: (PatternForm | undefined)[] = [];
  /** few readings differ, and a form takes more memory than its place in a list */
  readonly #byText = new Map<string, PatternForm>();

  /**
   * @param path of a pattern: "" or starts with `/`, escapes canonical, `*` for anything
   * @param options.isExact whether it covers nothing below itself, and ends as it is written
   */
  constructor(path: string, options: { isExact?: boolean } = {}) {
    this.traits = traitsOf(path);
    this.#isExact = options.isExact === true;
    this.#path = path.replaceAll("*", wildcard);
  }

  under(reading: PathReading): PatternForm {
    const cached = this.#forms[reading.index];
    if (cached !== undefined) return cached;
    const text = this.#textUnder(reading);
    const form = this.#byText.get(text) ?? { text, covers: this.#compile(text) };
    this.#byText.set(text, form);
    this.#forms[reading.index] = form;
    return form;
  }

  /** A pattern has no final slash unless that is a part of it, and a whole host has no path. */
  #textUnder(reading: PathReading): string {
    if (this.#path === "") return "";
    const text = reading.apply(this.#path);
    return this.#isExact ? text : text.replace(/\/+$/, "");
  }

  #compile(text: string): (path: string) => boolean {
    return this.#isExact ? compileExactPath(text, wildcard) : compilePath(text, wildcard);
  }
}

/** What of a path, or of a pattern that it is compared with, can be read in more than one way. */
export function commonTraits(path: string, patterns: readonly ReadPattern[]): PathTraits {
  return joinTraits([traitsOf(path), ...patterns.map((each) => each.traits)]);
}

/** What one of them has. */
export function joinTraits(traits: readonly PathTraits[]): PathTraits {
  return {
    hasEscapes: traits.some(({ hasEscapes }) => hasEscapes),
    hasNameEndings: traits.some(({ hasNameEndings }) => hasNameEndings),
    hasParameters: traits.some(({ hasParameters }) => hasParameters),
  };
}
