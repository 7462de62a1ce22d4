// Sets of people, programs and requests as terms: one dimension has one of some values, and such
// terms joined. A dimension is one thing that policy may ask: the address of an email, the network
// that somebody comes from, whether a provider states one value of a claim.

/** A set of combinations of values. */
export type Term =
  | boolean
  | { dimension: string; values: ReadonlySet<string> }
  | { or: readonly Term[] }
  | { and: readonly Term[] }
  | { not: Term };

/** Joins by or; what needs no joining stays itself. */
export function or(terms: readonly Term[]): Term {
  if (terms.includes(true)) return true;
  const rest = terms.filter((term) => term !== false);
  const [first = false, ...more] = rest;
  return more.length === 0 ? first : { or: rest };
}

/** Joins by and. */
export function and(terms: readonly Term[]): Term {
  if (terms.includes(false)) return false;
  const rest = terms.filter((term) => term !== true);
  const [first = true, ...more] = rest;
  return more.length === 0 ? first : { and: rest };
}

export function not(term: Term): Term {
  return typeof term === "boolean" ? !term : { not: term };
}

/** The dimensions in terms, and the sets of values that they ask for, each once. */
export function valueSetsIn(terms: readonly Term[]): Map<string, Set<ReadonlySet<string>>> {
  const sets = new Map<string, Set<ReadonlySet<string>>>();
  const all = new Set(terms);
  // The set grows while it is walked.
  for (const term of all) {
    if (typeof term === "boolean") continue;
    if ("dimension" in term) {
      const ofDimension = sets.get(term.dimension) ?? new Set();
      sets.set(term.dimension, ofDimension.add(term.values));
      continue;
    }
    for (const part of partsOf(term)) all.add(part);
  }
  return sets;
}

function partsOf(term: Exclude<Term, boolean | { dimension: string }>): readonly Term[] {
  if ("not" in term) return [term.not];
  return "or" in term ? term.or : term.and;
}
