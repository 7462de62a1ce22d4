// How much memory V8 gives to objects that die young. Under load it doubles that space until it has
// 128 MiB. A gateway of HTTP/1.1 needs none of it: what a request makes is gone with its answer. A
// stream of node:http2 outlives its answer, and what lives is copied at each collection: there more
// space, and so fewer collections, is worth its memory.
import { constants, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Bytes of the whole space, of which objects are made in one half. */
const usual = 16 * 2 ** 20;
const most = 64 * 2 ** 20;

/** The part of the time above which collections are worth more space. */
const dear = 0.1;

/** What V8 multiplies the space by when much of it lives on; 2 is its own. */
type GrowthFactor = 1 | 2;

/**
 * Lets the young space of this process grow to 16 MiB, and to 64 MiB while collections take more
 * than a tenth of the time. Node takes such a limit as a flag where the process is started alone,
 * and most are started by a person; V8 asks for this one each time it could grow.
 */
export function limitYoungSpace(): void {
  const pace = new CollectionPace();
  let factor: GrowthFactor = 2;
  const observer = new PerformanceObserver((list) => {
    pace.note(list.getEntries());
    const next = growthFactor(youngSpace(), pace.share);
    if (next === factor) return;
    factor = next;
    setFlagsFromString(`--semi-space-growth-factor=${next}`);
  });
  observer.observe({ entryTypes: ["gc"] });
}

/**
 * Whether the space may grow.
 * @param size bytes that it has
 * @param share of the time that its collections take
 */
export function growthFactor(size: number, share: number): GrowthFactor {
  if (size < usual) return 2;
  return share > dear && size < most ? 2 : 1;
}

/** A collection of young objects, milliseconds. */
interface Collection {
  startTime: number;
  duration: number;
  detail?: { kind?: number };
}

/** Collections over which the share is taken. */
const remembered = 16;

/** What part of the time the collections of young objects have taken lately. */
export class CollectionPace {
  #last: Collection[] = [];

  note(collections: readonly Collection[]): void {
    const young = collections.filter(isYoung);
    this.#last = [...this.#last, ...young].slice(-remembered);
  }

  /** 0 to 1; 0 until there were enough of them to tell */
  get share(): number {
    const [first] = this.#last;
    const last = this.#last.at(-1);
    if (first === undefined || last === undefined || this.#last.length < remembered) return 0;
    const taken = this.#last.reduce((sum, { duration }) => sum + duration, 0);
    return taken / (last.startTime + last.duration - first.startTime);
  }
}

function isYoung({ detail }: Collection): boolean {
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR;
}

/** Bytes that it has. */
function youngSpace(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  return space?.space_size ?? 0;
}
