// Which word somebody meant who misspelt one: commands, flags, fields and values are suggested by
// the same rule in the gateway and in the command line.

/** Words beyond this length are not compared: the work is quadratic. */
const longestWord = 64;

/**
 * The one candidate that a word is a slip of: a few letters changed, left out, added or swapped
 * (`auth_domian`), or a part of its name left out (`browser` for `no-browser`, `conf` for
 * `config`). Case counts for nothing, and a dash is as good as an underscore.
 * @returns undefined where no candidate is near, or where several are equally so
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | undefined {
  const typed = folded(word);
  if (typed.length < 2 || typed.length > longestWord) return undefined;
  const names = [...candidates];
  return bySlip(typed, names) ?? byPart(typed, names);
}

function bySlip(typed: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = tolerance(typed) + 1;
  for (const name of names) {
    // Each letter more or fewer is a slip: a name that is too long is not gone through.
    if (Math.abs(name.length - typed.length) > bestDistance) continue;
    const distance = editDistance(typed, folded(name));
    if (distance === bestDistance) best = undefined;
    if (distance >= bestDistance) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

/** The only name that begins with the word, or of which it is a whole part. */
function byPart(typed: string, names: readonly string[]): string | undefined {
  if (typed.length < 3) return undefined;
  const matches = names.filter((name) => {
    const whole = folded(name);
    return whole.startsWith(typed) || `-${whole}-`.includes(`-${typed}-`);
  });
  return matches.length === 1 ? matches[0] : undefined;
}

/** One slip in every three letters is a slip; more is another word. */
function tolerance(typed: string): number {
  return Math.max(1, Math.floor(typed.length / 3));
}

function folded(word: string): string {
  return word.toLowerCase().replaceAll("_", "-");
}

/**
 * How many letters are to be changed, added, removed or swapped with their neighbour to turn one
 * word into the other (optimal string alignment).
 */
function editDistance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwap = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      const changed = at(last, column - 1) + Number(!isSame);
      const shortest = Math.min(changed, at(last, column) + 1, at(current, column - 1) + 1);
      const swapped = isSwap ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(shortest, swapped));
    }
    beforeLast = last;
    last = current;
  }
  return at(last, other.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
