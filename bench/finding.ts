// What a scenario found, in the words of the report: a table for each load, and what was promised.
import { figureOf, type Row, ratioOf, rowNamed } from "./contest.ts";

export interface Finding {
  tables: readonly Table[];
  promises: readonly Promised[];
  /** further sentences, below the tables */
  notes?: readonly string[];
}

export interface Table {
  title: string;
  rows: readonly Row[];
  /** the row that the others are held against */
  base: string;
  /** what answers cost is not told, where others are under way as well */
  hidesCost?: boolean;
}

export interface Promised {
  what: string;
  /** the figure, with its unit */
  figure: string;
  holds: boolean;
}

/** Three digits that count, or "none". */
export function digits(value: number): string {
  if (Number.isNaN(value)) return "none";
  if (value === 0) return "0";
  if (value === 0) return "0";
  if (value >= 100) return value.toFixed(0);
  return value.toPrecision(3);
}

/** Without a figure nothing holds. */
export function atLeast(what: string, bound: number, value: number, unit = "×"): Promised {
  const text = `${what}: at least ${bound} ${unit}`;
  return { what: text, figure: `${digits(value)} ${unit}`, holds: value >= bound };
}

export function atMost(what: string, bound: number, value: number, unit = "×"): Promised {
  const text = `${what}: at most ${bound} ${unit}`;
  return { what: text, figure: `${digits(value)} ${unit}`, holds: value <= bound };
}

/** Nothing is promised of a contender, one of whose runs failed, but that none does. */
export function noFailures(what: string, row: Row | undefined): Promised[] {
  const [reason] = row?.failures ?? ["it was not measured"];
  if (reason === undefined) return [];
  return [{ what: `${what}: no run fails`, figure: reason, holds: false }];
}

const heads = ["CPU μs", "× by CPU", "a second", "× by rate", "p50 ms", "p99 ms", "RSS MiB", "PSS"];

/** In Markdown. */
export function reportOf({ tables, notes = [] }: Finding): string {
  return [...tables.map(tableText), ...notes.map((note) => `${note}\n`)].join("\n");
}

function tableText({ title, rows, base, hidesCost = false }: Table): string {
  const peer = rowNamed(rows, base);
  const lines = rows.map((row) => {
    const cells = cellsOf(row, peer, row.isProxy && !hidesCost);
    return `| ${[row.name, ...cells].join(" | ")} |`;
  });
  const failures = rows.flatMap(({ name, failures: all, runs }) =>
    all.map((reason) => `- ${name}, a run of ${Math.max(runs.length, 1)} failed: ${reason}`),
  );
  const rounds = Math.max(...rows.map(({ runs }) => runs.length));
  return [
    `**${title}**, medians of ${rounds}; × beside ${base.replaceAll("*", "")}\n`,
    `| | ${heads.join(" | ")} |`,
    `| --- | ${heads.map(() => "---:").join(" | ")} |`,
    ...lines,
    "",
    ...failures,
  ].join("\n");
}

function cellsOf(row: Row, base: Row | undefined, hasCost: boolean): string[] {
  const { isProxy } = row;
  const figure = (field: Parameters<typeof figureOf>[1]) => cell(figureOf(row, field));
  const ratio = (field: Parameters<typeof figureOf>[1]) =>
    isProxy ? cell(ratioOf(row, base, field), 2) : "";
  return [
    hasCost ? figure("cost") : "",
    hasCost ? ratio("cost") : "",
    figure("rate"),
    ratio("rate"),
    figure("p50"),
    figure("p99"),
    isProxy ? figure("resident") : "",
    isProxy ? figure("proportional") : "",
  ];
}

function cell(value: number, places?: number): string {
  if (Number.isNaN(value)) return "";
  return places === undefined ? digits(value) : value.toFixed(places);
}

export function promiseText({ what, figure, holds }: Promised): string {
  return `- ${what}: ${figure}, ${holds ? "holds" : "**DOES NOT HOLD**"}`;
}
