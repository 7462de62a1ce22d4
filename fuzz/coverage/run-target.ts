// Drives one target by coverage: an input that reaches a block of ours for the first time is kept,
// and later inputs are made of those. V8 counts the blocks; it tells each one once.
import { type Profiler, Session } from "node:inspector";
import { printCase } from "../case-text.ts";
import { keepCase } from "../corpus.ts";
import { shrink } from "../shrink.ts";
import { type Target, targets } from "./targets.ts";

const longest = 512;
/** Taking the coverage costs as much as many inputs. */
const batchSize = 2_000;
/** Inputs that are kept together when one of them reaches something new. */
const groupSize = 20;

/** What a run has done. */
export interface TargetRun {
  inputs: number;
  /** inputs that reached something new */
  kept: number;
  /** an input for which the property does not hold */
  failure: { input: Buffer; error: unknown } | undefined;
}

/** Runs a target from the command line. @returns whether its property held */
export async function runTarget(name: string, seconds: number, seed: number): Promise<boolean> {
  const target = targets[name];
  if (target === undefined) {
    console.error(`No target ${name}. There are: ${Object.keys(targets).join(", ")}`);
    return false;
  }
  console.log(`seed ${seed}`);
  const deadline = performance.now() + 1_000 * seconds;
  const { inputs, kept, failure } = drive(target, seed, () => performance.now() < deadline);
  console.log(`${name}: ${inputs} inputs, ${kept} of them reached something new`);
  if (failure === undefined) return true;
  const input = await shrink(failure.input, (bytes) => errorOf(target, bytes) !== undefined);
  console.log(`${printCase(input)}${errorOf(target, input)}\nkept as ${keepCase(name, input)}`);
  return false;
}

/** Tries inputs in batches until one fails, or it is to end. */
export function drive(target: Target, seed: number, goesOn: () => boolean): TargetRun {
  const random = new Random(seed);
  const coverage = new Coverage();
  const pool: Buffer[] = target.seeds.map((text) => Buffer.from(text, "latin1"));
  const run: TargetRun = { inputs: 0, kept: 0, failure: undefined };
  let batch = [...pool];
  while (run.failure === undefined) {
    tryBatch(target, batch, run);
    // Which of them it was shows when they run once more, in ever smaller groups.
    if (coverage.takeNew().length > 0) keepNew(target, batch, coverage, pool, run);
    if (!goesOn()) break;
    batch = Array.from({ length: batchSize }, () => makeInput(random, pool, target));
  }
  coverage.stop();
  return run;
}

function tryBatch(target: Target, batch: readonly Buffer[], run: TargetRun): void {
  for (const input of batch) {
    run.inputs++;
    const error = errorOf(target, input);
    if (error === undefined) continue;
    run.failure = { input, error };
    return;
  }
}

/** Halves a batch until few inputs are left that reach something new, and keeps those. */
function keepNew(
  target: Target,
  batch: readonly Buffer[],
  coverage: Coverage,
  pool: Buffer[],
  run: TargetRun,
): void {
  for (const input of batch) errorOf(target, input);
  const blocks = coverage.takeNew();
  if (blocks.length === 0) return;
  if (batch.length <= groupSize) {
    coverage.remember(blocks);
    pool.push(...batch);
    run.kept += batch.length;
    return;
  }
  const middle = Math.ceil(batch.length / 2);
  keepNew(target, batch.slice(0, middle), coverage, pool, run);
  keepNew(target, batch.slice(middle), coverage, pool, run);
}

function errorOf(target: Target, input: Buffer): unknown {
  try {
    target.check(input);
    return undefined;
  } catch (error) {
    return error;
  }
}

function makeInput(random: Random, pool: readonly Buffer[], { words }: Target): Buffer {
  let input = random.of(pool);
  for (let step = random.below(4); step >= 0; step--) input = change(random, input, pool, words);
  return input.subarray(0, longest);
}

function change(
  random: Random,
  input: Buffer,
  pool: readonly Buffer[],
  words: readonly string[],
): Buffer {
  const at = random.below(input.length + 1);
  const end = Math.min(input.length, at + random.below(8));
  const [before, middle, after] = [
    input.subarray(0, at),
    input.subarray(at, end),
    input.subarray(end),
  ];
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([before, Buffer.from(random.of(words), "latin1"), middle, after]);
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, middle, middle, after]);
    case 3:
      return Buffer.concat([before, Buffer.from([random.below(256)]), after]);
    case 4:
      return Buffer.concat([before, Buffer.from(random.of(words), "latin1"), after]);
    default: {
      const other = random.of(pool);
      return Buffer.concat([before, other.subarray(random.below(other.length + 1))]);
    }
  }
}

/** Which blocks of our sources have run. */
class Coverage {
  readonly #session = new Session();
  readonly #known = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** The blocks that have run since the last call and are not remembered. */
  takeNew(): string[] {
    const blocks: string[] = [];
    this.#session.post("Profiler.takePreciseCoverage", (_error, { result }) => {
      for (const { url, functions } of result)
        if (url.includes("/packages/"))
          for (const { ranges } of functions) blocks.push(...blocksOf(url, ranges));
    });
    return blocks.filter((block) => !this.#known.has(block));
  }

  remember(blocks: readonly string[]): void {
    for (const block of blocks) this.#known.add(block);
  }

  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}

function blocksOf(url: string, ranges: readonly Profiler.CoverageRange[]): string[] {
  return ranges
    .filter(({ count }) => count > 0)
    .map(({ startOffset, endOffset }) => `${url} ${startOffset} ${endOffset}`);
}

/** The same numbers for the same seed. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** A whole number from 0 up to, and without, the limit. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  of<Item>(list: readonly Item[]): Item {
    return list[this.below(list.length)] as Item;
  }
}
