// Contenders under one load, in turns, so that whatever else the machine does hits all of them.
// What each answer costs is CPU time of every process that took part in it, as Linux counts it.

import type { Run } from "./load/run.ts";
import { median } from "./median.ts";
import type { Stage } from "./stage.ts";
import { cpuSeconds, proportionalMemory, residentMemory } from "./usage.ts";

export interface Contender {
  name: string;
  /** of the processes whose CPU and memory count, with their children; none: only the load */
  pids: readonly number[];
  /**
   * @param start is called where what came before is not to count, such as opening WebSockets
   * @throws {Error} when an answer is wrong: what was measured counts as failed
   */
  run(seconds: number, start: () => void): Promise<Run>;
}

/** Somebody who takes part, or why nobody does. */
export type Entry<Participant = Contender> = Participant | { name: string; failure: string };

/** What one run showed. */
export interface Measured {
  /** answers a second */
  rate: number;
  /** microseconds of CPU an answer */
  cost: number;
  /** milliseconds */
  p50: number | undefined;
  p99: number | undefined;
  /** MiB at its end: resident, and with shared pages divided */
  resident: number;
  proportional: number;
}

export interface Row {
  name: string;
  /** whether anything stands between load and origin */
  isProxy: boolean;
  /** round after round; undefined where the run failed, or was not made */
  runs: readonly (Measured | undefined)[];
  /** why runs failed */
  failures: readonly string[];
}

export interface Pace {
  seconds: number;
  rounds: number;
}

const warmUpSeconds = 3;

/** Where one is missing or does not start, the others go on. */
export async function entryOf<Participant>(
  name: string,
  starting: Promise<Participant>,
): Promise<Entry<Participant>> {
  try {
    return await starting;
  } catch (error) {
    return { name, failure: reasonOf(error) };
  }
}

/** Runs all of them once to warm up, then in turns, for as many rounds as there is time for. */
export async function compete(
  stage: Stage,
  entries: readonly Entry[],
  { seconds, rounds }: Pace,
): Promise<Row[]> {
  const series = entries.map((entry) => new Series(stage, entry));
  for (const each of series) await each.warmUp(Math.min(seconds, warmUpSeconds));
  const begin = performance.now();
  for (let round = 0; round < rounds; round++) {
    const perRound = (performance.now() - begin) / Math.max(round, 1);
    if (!stage.hasTimeFor(perRound)) break;
    for (const each of series) await each.run(seconds);
  }
  return series.map((each) => each.row());
}

class Series {
  readonly #stage: Stage;
  readonly #name: string;
  readonly #contender: Contender | undefined;
  readonly #runs: (Measured | undefined)[] = [];
  readonly #failures: string[] = [];
  #isOut = false;

  constructor(stage: Stage, entry: Entry) {
    this.#stage = stage;
    this.#name = entry.name;
    if ("failure" in entry) {
      this.#fail(entry.failure);
      return;
    }
    this.#contender = entry;
  }

  /** Whoever fails here is not asked again. */
  async warmUp(seconds: number): Promise<void> {
    try {
      await this.#contender?.run(seconds, () => undefined);
    } catch (error) {
      this.#fail(reasonOf(error));
    }
  }

  async run(seconds: number): Promise<void> {
    this.#stage.checkOpen();
    if (this.#isOut || this.#contender === undefined) return;
    try {
      this.#runs.push(await measure(this.#contender, seconds));
    } catch (error) {
      this.#runs.push(undefined);
      this.#failures.push(reasonOf(error));
    }
  }

  row(): Row {
    const isProxy = this.#contender === undefined || this.#contender.pids.length > 0;
    return { name: this.#name, isProxy, runs: this.#runs, failures: this.#failures };
  }

  #fail(reason: string): void {
    this.#failures.push(reason);
    this.#isOut = true;
  }
}

async function measure({ pids, run }: Contender, seconds: number): Promise<Measured> {
  let before = total(pids, cpuSeconds);
  const {
    requests,
    seconds: duration,
    p50,
    p99,
  } = await run(seconds, () => {
    before = total(pids, cpuSeconds);
  });
  const cpu = total(pids, cpuSeconds) - before;
  return {
    rate: requests / duration,
    cost: (cpu / requests) * 1e6,
    p50,
    p99,
    resident: total(pids, residentMemory),
    proportional: total(pids, proportionalMemory),
  };
}

function total(pids: readonly number[], measureOf: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + measureOf(pid), 0);
}

/** In one line, and as much of it as a report bears. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().replace(/\s+/g, " ").slice(0, 600);
}

/** The median of a row's good runs; NaN without any. */
export function figureOf(row: Row | undefined, field: keyof Measured): number {
  const values = (row?.runs ?? []).map((run) => run?.[field]);
  return median(values.filter((value) => value !== undefined));
}

/**
 * How many times as good a row is as another: by rate, more is better; by all else, less.
 * @returns the median of the rounds in which both ran; NaN without any
 */
export function ratioOf(
  row: Row | undefined,
  base: Row | undefined,
  field: keyof Measured,
): number {
  const ratios = (row?.runs ?? []).map((run, round) => {
    const [value, other] = [run?.[field], base?.runs[round]?.[field]];
    if (value === undefined || other === undefined) return undefined;
    return field === "rate" ? value / other : other / value;
  });
  return median(ratios.filter((ratio) => ratio !== undefined));
}

export function rowNamed(rows: readonly Row[], name: string): Row | undefined {
  return rows.find((row) => row.name === name);
}
