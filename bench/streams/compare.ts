// Contenders do the same work in turns, so that whatever else the machine does hits all of them.
import { median, quantile } from "../median.ts";
import { cpuSeconds, type Memory, MemoryWatch } from "../usage.ts";

export interface Contender {
  name: string;
  /** of the process whose CPU and memory count, with its children */
  pid: number;
  /** @param start is called where what came before is not to count, such as connecting */
  run(start: () => void): Promise<Work>;
}

/** What one run got done. */
export interface Work {
  units: number;
  seconds: number;
  /** how long one unit took, milliseconds each */
  delays?: readonly number[];
}

/** Medians of a contender's runs. */
export interface Result {
  name: string;
  /** units a second */
  rate: number;
  /** CPU seconds a unit */
  cost: number;
  /** milliseconds; undefined where no unit was timed */
  p50: number | undefined;
  p99: number | undefined;
  /** from before the first run to after the last */
  memory: Memory;
}

/** Runs all of them once to warm up, then in turns. */
export async function compareInTurns(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Result[]> {
  for (const { run } of contenders) await run(() => undefined);
  const series = contenders.map((contender) => new Series(contender));
  for (let round = 0; round < rounds; round++) for (const each of series) await each.run();
  return series.map((each) => each.result());
}

class Series {
  readonly #contender: Contender;
  readonly #memories: Memory[] = [];
  readonly #rates: number[] = [];
  readonly #costs: number[] = [];
  readonly #p50: number[] = [];
  readonly #p99: number[] = [];

  constructor(contender: Contender) {
    this.#contender = contender;
  }

  async run(): Promise<void> {
    const { pid, run } = this.#contender;
    const memory = new MemoryWatch(pid);
    let before = cpuSeconds(pid);
    const {
      units,
      seconds,
      delays = [],
    } = await run(() => {
      before = cpuSeconds(pid);
    });
    this.#costs.push((cpuSeconds(pid) - before) / units);
    this.#memories.push(memory.end());
    this.#rates.push(units / seconds);
    if (delays.length === 0) return;
    this.#p50.push(quantile(delays, 0.5));
    this.#p99.push(quantile(delays, 0.99));
  }

  result(): Result {
    return {
      name: this.#contender.name,
      rate: median(this.#rates),
      cost: median(this.#costs),
      p50: medianOrNone(this.#p50),
      p99: medianOrNone(this.#p99),
      memory: {
        start: this.#memories.at(0)?.start ?? Number.NaN,
        peak: Math.max(...this.#memories.map(({ peak }) => peak)),
        end: this.#memories.at(-1)?.end ?? Number.NaN,
      },
    };
  }
}

function medianOrNone(values: number[]): number | undefined {
  return values.length === 0 ? undefined : median(values);
}
