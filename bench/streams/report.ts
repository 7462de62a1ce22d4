// What a scenario found, and how it is printed: contenders as rows of one table, everything else as
// a sentence, and of each promise whether it holds.
import type { Result } from "./compare.ts";

/** What one contender's runs are counted in. */
export interface Unit {
  /** plural: `messages` */
  name: string;
  /** in which its CPU is told */
  cost: "μs" | "ms";
}

export interface Comparison {
  kind: "comparison";
  /** what was done: `chat, 200 clients` */
  title: string;
  unit: Unit;
  /** the gateway first; what it is held against next; more where they explain something */
  results: readonly Result[];
  /** the least share of the peer's rate; undefined promises nothing */
  promise?: number;
}

export interface Statement {
  kind: "statement";
  text: string;
  /** undefined where nothing was promised */
  holds?: boolean;
}

export type Finding = Comparison | Statement;

export const half = 0.5;
/** Memory that grows less has kept nothing of what went through. */
const flatMebibytes = 128;

const heads = [
  "",
  "through",
  "a second",
  "×",
  "CPU a unit",
  "× by CPU",
  "p50, p99 ms",
  "memory MiB",
];

/** @returns Markdown */
export function reportOf(findings: readonly Finding[]): string {
  const comparisons = findings.filter((finding) => finding.kind === "comparison");
  const lines = statementsOf(findings).map(({ text, holds }) => `- ${text}${verdict(holds)}`);
  return [...tableOf(comparisons), ...lines].join("\n");
}

/** What was stated, and what the comparisons say about what was promised. */
export function statementsOf(findings: readonly Finding[]): Statement[] {
  return findings.flatMap((finding) => {
    if (finding.kind === "statement") return [finding];
    return [...judgeRate(finding), ...judgeMemory(finding)];
  });
}

/** × and × by CPU are shares of the row below the gateway's: more than 1 is better than it. */
function tableOf(comparisons: readonly Comparison[]): string[] {
  if (comparisons.length === 0) return [];
  const rows = comparisons.flatMap(rowsOf);
  const rule = heads.map(() => "---");
  return [...[heads, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`), ""];
}

function rowsOf({ title, unit, results }: Comparison): string[][] {
  const [, peer] = results;
  return results.map(({ name, rate, cost, p50, p99, memory }, index) => {
    const rates = peer === undefined ? "" : (rate / peer.rate).toFixed(2);
    const costs = peer === undefined ? "" : (peer.cost / cost).toFixed(2);
    return [
      index === 0 ? title : "",
      name,
      `${figure(rate)} ${unit.name}`,
      rates,
      `${figure(cost * (unit.cost === "μs" ? 1e6 : 1e3))} ${unit.cost}`,
      costs,
      p50 === undefined || p99 === undefined ? "" : `${p50.toFixed(1)}, ${p99.toFixed(1)}`,
      [memory.start, memory.peak, memory.end].map((each) => each.toFixed(0)).join(", "),
    ];
  });
}

function judgeRate({ title, results, promise }: Comparison): Statement[] {
  const [own, peer] = results;
  if (promise === undefined || own === undefined || peer === undefined) return [];
  const share = own.rate / peer.rate;
  const text = `${title}: at least ${promise} × ${peer.name}: ${share.toFixed(2)} ×`;
  return [{ kind: "statement", text, holds: share >= promise }];
}

function judgeMemory({ title, results, promise }: Comparison): Statement[] {
  const [own] = results;
  if (promise === undefined || own === undefined) return [];
  const growth = own.memory.peak - own.memory.start;
  const text = `${title}: memory grows by less than ${flatMebibytes} MiB: ${growth.toFixed(0)} MiB`;
  return [{ kind: "statement", text, holds: growth < flatMebibytes }];
}

function verdict(holds: boolean | undefined): string {
  if (holds === undefined) return "";
  return holds ? ", holds" : ", **missed**";
}

/** Three digits that count. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
