// What a process uses, children included, as Linux counts it: the same for every contender,
// whatever it is written in.
import { readFileSync } from "node:fs";
import { residentMemory } from "../process.ts";

/** Of /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** CPU seconds of a process, of its threads, and of its children, those that have ended as well. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the name in parentheses, and may hold anything; the state comes after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number);
  const own = (user ?? 0) + (system ?? 0) + (childrenUser ?? 0) + (childrenSystem ?? 0);
  return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own / ticksPerSecond);
}

/** The children of all its threads: a thread of Node may have started some of them. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

/** MiB */
export interface Memory {
  start: number;
  peak: number;
  end: number;
}

/** Looks at the resident memory of a process every tenth of a second. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #start: number;
  readonly #timer: NodeJS.Timeout;
  #peak: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#start = residentMemory(pid);
    this.#peak = this.#start;
    this.#timer = setInterval(() => this.#look(), 100);
  }

  end(): Memory {
    clearInterval(this.#timer);
    return { start: this.#start, end: this.#look(), peak: this.#peak };
  }

  #look(): number {
    const now = residentMemory(this.#pid);
    this.#peak = Math.max(this.#peak, now);
    return now;
  }
}
