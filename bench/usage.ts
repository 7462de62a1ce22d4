// What a process uses, children included, as Linux counts it: the same for every contender,
// whatever it is written in.
import { readdirSync, readFileSync } from "node:fs";

/** Of /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** CPU seconds of a process, of its threads, and of its children, those that have ended as well. */
export function cpuSeconds(pid: number): number {
  const stat = procFile(`${pid}/stat`);
  // The second field is the name in parentheses, and may hold anything; the state comes after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number);
  const own = (user ?? 0) + (system ?? 0) + (childrenUser ?? 0) + (childrenSystem ?? 0);
  return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own / ticksPerSecond);
}

/** The children of all its threads: a thread of Node may have started some of them. */
export function childrenOf(pid: number): number[] {
  const tasks = entriesOf(`/proc/${pid}/task`);
  const texts = tasks.map((task) => procFile(`${pid}/task/${task}/children`));
  return texts.join(" ").split(" ").filter(Boolean).map(Number);
}

/** Resident memory in MiB of a process and its children (nginx has a worker below its master). */
export function residentMemory(pid: number): number {
  return sumOver(pid, (each) => kibibytes(procFile(`${each}/status`), "VmRSS") / 1024);
}

/** The same with each shared page divided among those who share it, so that none counts twice. */
export function proportionalMemory(pid: number): number {
  return sumOver(pid, (each) => kibibytes(procFile(`${each}/smaps_rollup`), "Pss") / 1024);
}

/** How many descriptors a process and its children have open. */
export function openDescriptors(pid: number): number {
  return sumOver(pid, (each) => entriesOf(`/proc/${each}/fd`).length);
}

function sumOver(pid: number, measureOf: (pid: number) => number): number {
  return childrenOf(pid).reduce((sum, child) => sum + sumOver(child, measureOf), measureOf(pid));
}

function kibibytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
}

/** None for a process that has just ended. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty for a process that has just ended: socat has one for each connection. */
function procFile(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
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
