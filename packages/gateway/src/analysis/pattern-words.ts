// Words that tell patterns apart: for each set of patterns that some word fits, and no others, one
// such word. All patterns are followed at once, letter by letter; letters that no pattern names
// behave alike, so that one stands for them.

/**
 * A part of a pattern: a letter, perhaps in any case, any one letter, or a run of letters, each but
 * for one.
 */
export type PatternPart = Letter | { any: "one" | "run"; except: string | undefined };

/** There are more states than were allowed. */
export class TooManyWords extends Error {
  override readonly name = "TooManyWords";
}

/** What words are made of. */
export interface WordRules {
  /** the letters that every word begins with */
  start: string;
  /** a letter that words have, whether or not a pattern names it; "" for none */
  separator: string;
  /** whether a letter may follow, as far as the end of the word says */
  mayFollow(end: string, letter: string): boolean;
  /** the end of a word that decides about that */
  endOf(word: string): string;
  /** whether a word that ends so is one */
  isWhole(end: string): boolean;
  /** a letter for those that no pattern names; the first that none of them does */
  others: string;
  /** of states that are looked at */
  limit: number;
}

/** The letters of a text as parts. */
export function lettersOf(text: string): PatternPart[] {
  return [...text].map((letter) => ({ letter }));
}

/**
 * Finds the words, short ones first.
 * @throws {TooManyWords}
 */
export function wordsOf(patterns: readonly PatternPart[][], rules: WordRules): string[] {
  const automaton = new Automaton(patterns);
  const letters = lettersFor(patterns, rules);
  const words = new Map<string, string>();
  const seen = new Set<string>();

  // States in the order of the length of their words.
  const states: { places: readonly number[]; word: string }[] = [];
  const reach = (places: readonly number[], word: string) => {
    const end = rules.endOf(word);
    const key = `${places.join()} ${end}`;
    if (seen.has(key)) return;
    if (seen.size >= rules.limit) throw new TooManyWords();
    seen.add(key);
    states.push({ places, word });
    if (!rules.isWhole(end)) return;
    const fitting = automaton.fitting(places);
    if (!words.has(fitting)) words.set(fitting, word);
  };
  let first = automaton.beginning();
  for (const letter of rules.start) first = automaton.after(first, letter);
  reach(first, rules.start);
  for (const { places, word } of states) {
    const end = rules.endOf(word);
    for (const letter of letters) {
      if (!rules.mayFollow(end, letter)) continue;
      reach(automaton.after(places, letter), word + letter);
    }
  }
  return [...words.values()];
}

function lettersFor(
  patterns: readonly PatternPart[][],
  { separator, others }: WordRules,
): string[] {
  const named = new Set(separator);
  for (const part of patterns.flat()) {
    if (!("letter" in part)) continue;
    named.add(part.letter);
    if (part.isAnyCase !== undefined)
      named.add(part.letter.toLowerCase()).add(part.letter.toUpperCase());
  }
  const other = [...others].find((letter) => !named.has(letter));
  return other === undefined ? [...named] : [other, ...named];
}

interface Letter {
  letter: string;
  isAnyCase?: true;
}

function isLetter({ letter, isAnyCase }: Letter, other: string): boolean {
  if (letter === other) return true;
  return isAnyCase !== undefined && letter.toLowerCase() === other.toLowerCase();
}

/** All patterns at once. A place is a number: of a part, or of the end of a pattern. */
class Automaton {
  readonly #parts: (PatternPart | undefined)[] = [];
  readonly #starts: number[] = [];

  constructor(patterns: readonly PatternPart[][]) {
    for (const pattern of patterns) {
      this.#starts.push(this.#parts.length);
      this.#parts.push(...pattern, undefined);
    }
  }

  beginning(): number[] {
    return this.#closed(this.#starts);
  }

  after(places: readonly number[], letter: string): number[] {
    const next: number[] = [];
    for (const place of places) {
      const part = this.#parts[place];
      if (part === undefined) continue;
      if ("letter" in part) {
        if (isLetter(part, letter)) next.push(place + 1);
        continue;
      }
      if (part.except === letter) continue;
      next.push(part.any === "run" ? place : place + 1);
    }
    return this.#closed(next);
  }

  /** The patterns that fit the word so far, as a key. */
  fitting(places: readonly number[]): string {
    return places.filter((place) => this.#parts[place] === undefined).join();
  }

  /** With the places that need no letter: behind a run. */
  #closed(places: readonly number[]): number[] {
    const all = new Set(places);
    for (const place of all) {
      const part = this.#parts[place];
      if (part !== undefined && "any" in part && part.any === "run") all.add(place + 1);
    }
    return [...all].sort((one, other) => one - other);
  }
}
