// `node bench/hot-spots.ts FILE.cpuprofile [COUNT]`: the functions in which a profiled process
// spent most of its time, each by itself, without what it called.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  samples: number[];
  /** microseconds between one sample and the next */
  timeDeltas: number[];
}

const [, , file, count = "30"] = process.argv;
if (file === undefined) {
  console.error("usage: node bench/hot-spots.ts FILE.cpuprofile [COUNT]");
  process.exit(1);
}
const { nodes, samples, timeDeltas }: Profile = JSON.parse(readFileSync(file, "utf8"));
const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
const times = new Map<string, number>();
for (const [index, id] of samples.entries()) {
  const name = names.get(id) ?? "?";
  times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
}
times.delete("(idle)");
const total = [...times.values()].reduce((sum, time) => sum + time, 0);
const longest = [...times].toSorted(([, left], [, right]) => right - left);
for (const [name, time] of longest.slice(0, Number(count))) {
  const share = ((time / total) * 100).toFixed(1).padStart(5);
  console.log(`${share} %  ${(time / 1_000).toFixed(0).padStart(6)} ms  ${name}`);
}

function nameOf({ functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name}  ${basename(url)}:${lineNumber + 1}`;
}
