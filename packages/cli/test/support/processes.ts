// What everybody on the machine can see of a process and its descendants, as /proc shows it.
import { readdirSync, readFileSync } from "node:fs";

export interface SeenProcess {
  pid: number;
  command: string[];
  /** only its owner can read this one */
  environment: string[];
}

/** The process and all below it, at this moment. */
export function processesFrom(pid: number): SeenProcess[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isBelow = (each: number): boolean =>
    each === pid || (parents.has(each) && isBelow(parents.get(each) ?? 0));
  return [...parents.keys()].filter(isBelow).map((each) => ({
    pid: each,
    command: split(read(`/proc/${each}/cmdline`)),
    environment: split(read(`/proc/${each}/environ`)),
  }));
}

function split(text: string): string[] {
  return text.split("\0").filter((part) => part !== "");
}

/** "" for a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
