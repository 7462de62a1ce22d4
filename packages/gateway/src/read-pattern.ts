// The path of a pattern as origins read it: each reading of a request's path is compared with the
// same reading of the pattern.
import { compilePath } from "@postern/protocol";
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
  readonly #forms: (PatternForm | undefined)[] = [];
  /** few readings differ, and a form takes more memory than its place in a list */
  readonly #byText = new Map<string, PatternForm>();

  /** @param path of a pattern: "" or starts with `/`, escapes canonical, `*` for anything */
  constructor(path: string) {
    this.traits = traitsOf(path);
    this.#path = path.replaceAll("*", wildcard);
  }

  under(reading: PathReading): PatternForm {
    const cached = this.#forms[reading.index];
    if (cached !== undefined) return cached;
    // A pattern has no final slash, and the one for a whole host has no path.
    const text = this.#path === "" ? "" : reading.apply(this.#path).replace(/\/+$/, "");
    const form = this.#byText.get(text) ?? { text, covers: compilePath(text, wildcard) };
    this.#byText.set(text, form);
    this.#forms[reading.index] = form;
    return form;
  }
}

/** What of a path, or of a pattern that it is compared with, can be read in more than one way. */
export function commonTraits(path: string, patterns: readonly ReadPattern[]): PathTraits {
  const traits = [traitsOf(path), ...patterns.map((each) => each.traits)];
  return {
    hasEscapes: traits.some(({ hasEscapes }) => hasEscapes),
    hasNameEndings: traits.some(({ hasNameEndings }) => hasNameEndings),
    hasParameters: traits.some(({ hasParameters }) => hasParameters),
  };
}
