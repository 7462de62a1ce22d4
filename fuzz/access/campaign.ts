// Many changes one after the other: of small files everybody who might ask is tried, of larger ones
// some at random.
import { type AccessTally, noTally, tryChange } from "./compare.ts";

/** Askers of one change: a small crowd has no more, and of a large one as many are drawn. */
const shares = { small: 20_000, large: 500 } as const;

/** Of so many changes one is of small files. */
const smallShare = 20;

/**
 * Prints how far it is, and each disagreement.
 * @param count of askers, about
 * @returns whether nobody was found who gains or loses and was not told
 */
export function askEverybody(count: number, seed: number): boolean {
  console.log(`seed ${seed}`);
  const tally = noTally();
  let reported = performance.now();
  for (let change = 0; tally.askers < count; change++) {
    const size = change % smallShare === 0 ? "small" : "large";
    tryChange({ seed: (seed + change) % 0x7fff_ffff, size, askers: shares[size] }, tally);
    if (performance.now() - reported < 10_000) continue;
    reported = performance.now();
    console.log(textOf(tally));
  }
  console.log(textOf(tally));
  for (const disagreement of tally.disagreements) console.log(`\n${disagreement}`);
  return tally.disagreements.length === 0;
}

function textOf(tally: AccessTally): string {
  const { changes, complete, askers, differences, nobody, undecided, disagreements } = tally;
  return (
    `${changes} changes (${complete} tried out completely), ${askers} askers, ` +
    `${differences} gain or lose, nobody in ${nobody} changes, ${undecided} not decided, ` +
    `${disagreements.length} disagreements`
  );
}
