// Numbers that a process counts, as plain data that can be sent to another process, added to what
// that one counted, and written down for Prometheus. A family has a bound on its series: what
// labels beyond it would say is counted under `(other)`, so that no name from outside costs memory.

/** What a family is. `gauge`: how it stands now; the others only grow. */
type MetricType = "counter" | "gauge" | "histogram";

/** One series: its label values in the family's order, and its numbers. */
interface SeriesSnapshot {
  labels: readonly string[];
  /** of a histogram: how many are in each bucket (each by itself, the last one without a bound) */
  counts?: readonly number[];
  /** of a histogram: the sum of what was observed */
  value: number;
}

/** A family as it stands. */
export interface FamilySnapshot {
  name: string;
  help: string;
  type: MetricType;
  labelNames: readonly string[];
  /** of a histogram: the upper bounds of its buckets */
  bounds?: readonly number[];
  /** what the same series of several processes is together; default: the sum */
  together?: "sum" | "least";
  series: readonly SeriesSnapshot[];
}

/** What a family is made from. */
interface FamilyOptions {
  name: string;
  help: string;
  labels?: readonly string[];
  /** label values that are shown from the start: what was never counted is 0, and not missing */
  known?: readonly (readonly string[])[];
}

/** Series of one family, at most: four outcomes of two thousand applications, and some. */
const seriesLimit = 10_000;
const otherLabel = "(other)";

/** A number that grows. */
export class Counter {
  readonly #family: Family<{ value: number }>;

  constructor(options: FamilyOptions) {
    this.#family = new Family(options, () => ({ value: 0 }));
  }

  add(count: number, ...labels: readonly string[]): void {
    this.#family.seriesOf(labels).value += count;
  }

  snapshot(): FamilySnapshot {
    return this.#family.snapshot("counter");
  }
}

/** How something stands, as whoever knows last said it. */
export class Gauge {
  readonly #family: Family<{ value: number }>;
  readonly #together: "sum" | "least";

  constructor(options: FamilyOptions & { together: "sum" | "least" }) {
    this.#together = options.together;
    this.#family = new Family(options, () => ({ value: 0 }));
  }

  set(value: number, ...labels: readonly string[]): void {
    this.#family.seriesOf(labels).value = value;
  }

  snapshot(): FamilySnapshot {
    return { ...this.#family.snapshot("gauge"), together: this.#together };
  }
}

/** How often something took how long. */
export class Histogram {
  readonly #family: Family<{ value: number; counts: number[] }>;
  readonly #bounds: readonly number[];

  /** @param bounds in ascending order */
  constructor(options: FamilyOptions & { bounds: readonly number[] }) {
    const { bounds } = options;
    this.#bounds = bounds;
    this.#family = new Family(options, () => ({ value: 0, counts: bounds.map(() => 0).concat(0) }));
  }

  observe(value: number, ...labels: readonly string[]): void {
    const series = this.#family.seriesOf(labels);
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    const index = bucket === -1 ? this.#bounds.length : bucket;
    series.value += value;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
  }

  snapshot(): FamilySnapshot {
    return { ...this.#family.snapshot("histogram"), bounds: this.#bounds };
  }
}

/** A family of numbers that are read when somebody asks. */
export function currentFamily(
  type: "counter" | "gauge",
  { name, help, labels = [] }: FamilyOptions,
  series: readonly SeriesSnapshot[],
): FamilySnapshot {
  return { name, help, type, labelNames: labels, series };
}

/** The same of one number. */
export function currentNumber(
  type: "counter" | "gauge",
  options: FamilyOptions,
  value: number,
): FamilySnapshot {
  return currentFamily(type, options, [{ labels: [], value }]);
}

/** The same of processes of which the least is what counts: of times, the first. */
export function leastOf(family: FamilySnapshot): FamilySnapshot {
  return { ...family, together: "least" };
}

class Family<Series extends { value: number; counts?: number[] }> {
  readonly #options: FamilyOptions;
  readonly #make: () => Series;
  /** label values → series, a level for each label */
  readonly #root = new Map<string, unknown>();
  readonly #all: { labels: readonly string[]; series: Series }[] = [];

  constructor(options: FamilyOptions, make: () => Series) {
    this.#options = options;
    this.#make = make;
    for (const labels of options.known ?? []) this.seriesOf(labels);
  }

  /** The series of these labels, made where there is none and room for it. */
  seriesOf(labels: readonly string[]): Series {
    let level = this.#root;
    for (const label of labels) {
      const next = level.get(label);
      if (next === undefined) return this.#add(labels);
      level = next as Map<string, unknown>;
    }
    return (level.get("") as Series | undefined) ?? this.#add(labels);
  }

  snapshot(type: MetricType): FamilySnapshot {
    const { name, help, labels: labelNames = [] } = this.#options;
    const series = this.#all.map(({ labels, series: { value, counts } }) => {
      return counts === undefined ? { labels, value } : { labels, value, counts: [...counts] };
    });
    return { name, help, type, labelNames, series };
  }

  #add(labels: readonly string[]): Series {
    const others = labels.map(() => otherLabel);
    const isOther = labels.every((label) => label === otherLabel);
    if (this.#all.length >= seriesLimit && !isOther) return this.seriesOf(others);
    let level = this.#root;
    for (const label of labels) {
      const next = (level.get(label) ?? new Map()) as Map<string, unknown>;
      level.set(label, next);
      level = next;
    }
    const series = this.#make();
    level.set("", series);
    this.#all.push({ labels, series });
    return series;
  }
}

/** What several processes counted, together: series of the same labels are added. */
export function mergeFamilies(processes: readonly (readonly FamilySnapshot[])[]): FamilySnapshot[] {
  const families = new Map<string, FamilySnapshot>();
  for (const family of processes.flat()) {
    const before = families.get(family.name);
    families.set(family.name, before === undefined ? family : addFamilies(before, family));
  }
  return [...families.values()];
}

function addFamilies(one: FamilySnapshot, other: FamilySnapshot): FamilySnapshot {
  const join = one.together === "least" ? lesserSeries : addSeries;
  const series = new Map(one.series.map((each) => [JSON.stringify(each.labels), each]));
  for (const each of other.series) {
    const key = JSON.stringify(each.labels);
    const before = series.get(key);
    series.set(key, before === undefined ? each : join(before, each));
  }
  return { ...one, series: [...series.values()] };
}

function lesserSeries(one: SeriesSnapshot, other: SeriesSnapshot): SeriesSnapshot {
  return one.value <= other.value ? one : other;
}

function addSeries(one: SeriesSnapshot, { value, counts }: SeriesSnapshot): SeriesSnapshot {
  const sum = { labels: one.labels, value: one.value + value };
  if (one.counts === undefined) return sum;
  return { ...sum, counts: one.counts.map((count, index) => count + (counts?.[index] ?? 0)) };
}

/** Without what is only true now: for what a process that has ended leaves behind. */
export function withoutGauges(families: readonly FamilySnapshot[]): FamilySnapshot[] {
  return families.filter(({ type }) => type !== "gauge");
}
