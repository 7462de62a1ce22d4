// Finds inputs that take a function more than a time in proportion to their length: a prefix, a
// unit that is repeated, and an end at which a search fails, in all combinations of what a target's
// grammar knows. The least of several runs counts.

/** A function that strangers' text reaches. */
export interface Reached {
  name: string;
  /** takes any text, and throws nothing */
  run(text: string): void;
  prefixes: readonly string[];
  units: readonly string[];
  ends: readonly string[];
  /** lengths of the texts that are measured, where the longest of the others is refused unread */
  lengths?: Lengths;
}

/** Each four times the one before. */
type Lengths = readonly [number, number, number];

/** An input that takes too long. */
export interface Growth {
  input: string;
  /** what a character costs, as a multiple of what it costs in a shorter text */
  factor: number;
}

const turns = 12;
const patienceMs = 400;
const coarseMs = 50;
const usualLengths: Lengths = [8_192, 32_768, 131_072];
/** Inputs of a target that are looked at closely: those that take longest. */
const closely = 3;
/**
 * How much more each character may cost in a text of four times the length, in both steps: it costs
 * four times as much to a search that begins anew at each place. In one step alone it may cost
 * more, because a cache or a pool of memory is full.
 */
const allowedFactor = 2.7;
/** Nanoseconds for a character beyond which the longest text would take too long to try. */
const hopeless = 5_000;

/** @returns an input whose time grows faster than its length; undefined when there is none */
export function findGrowth(reached: Reached): Growth | undefined {
  const ranked = [...inputsOf(reached)].map((each) => {
    const [short] = lengthsOf(reached);
    const text = each.make(short);
    return { ...each, cost: Math.min(once(reached, text), once(reached, text)) };
  });
  ranked.sort((one, other) => other.cost - one.cost);
  for (const { input, make } of ranked.slice(0, closely)) {
    const factor = leastGrowthOf(reached, make);
    if (factor > allowedFactor) return { input, factor };
  }
  return undefined;
}

function lengthsOf({ lengths = usualLengths }: Reached): Lengths {
  return lengths;
}

interface Input {
  /** for whoever reads the failure */
  input: string;
  make(length: number): string;
}

function* inputsOf({ prefixes, units, ends }: Reached): Generator<Input> {
  for (const prefix of prefixes)
    for (const unit of unitsOf(units))
      for (const end of ends)
        yield {
          input: `${JSON.stringify(prefix)}, ${JSON.stringify(unit)} many times, ${JSON.stringify(end)}`,
          make: (length) => prefix + unit.repeat(Math.ceil(length / unit.length)) + end,
        };
}

/** Each unit, and each pair of two. */
function* unitsOf(units: readonly string[]): Generator<string> {
  yield* units;
  for (const [index, first] of units.entries())
    for (const second of units.slice(index + 1)) yield first + second;
}

/** The least of three, since a busy machine may be to blame once, or twice. */
function leastGrowthOf(reached: Reached, make: (length: number) => string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3 && least > allowedFactor; turn++)
    least = Math.min(least, growthOf(reached, make));
  return least;
}

/** The smaller one of both steps: how much more a character costs in the longer text. */
function growthOf(reached: Reached, make: (length: number) => string): number {
  const [short, middle, long] = lengthsOf(reached);
  const middleCost = costOf(reached, make(middle));
  const first = middleCost / costOf(reached, make(short));
  if (first <= allowedFactor || middleCost > hopeless) return first;
  return Math.min(first, costOf(reached, make(long)) / middleCost);
}

/**
 * Nanoseconds for a character: the least of several runs, of which neither compiler, collector nor
 * neighbour is to blame. One run is enough where it takes that long.
 */
function costOf(reached: Reached, text: string): number {
  let least = Number.POSITIVE_INFINITY;
  const deadline = performance.now() + patienceMs;
  for (let turn = 0; turn < turns && performance.now() < deadline; turn++)
    least = Math.min(least, once(reached, text));
  return least / text.length;
}

/** Nanoseconds; of what takes long, without the time that neighbours had the processor. */
function once({ run }: Reached, text: string): number {
  const before = process.threadCpuUsage();
  const start = performance.now();
  run(text);
  const took = performance.now() - start;
  // Its clock is a coarse one on some machines.
  if (took < coarseMs) return took * 1e6;
  const { user, system } = process.threadCpuUsage(before);
  return Math.min(took * 1e6, Math.max(coarseMs * 1e6, (user + system) * 1e3));
}
