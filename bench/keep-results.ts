// `--write`: what was measured goes into bench/README.md, between its two marks, and into the chart
// beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartOf } from "./chart.ts";
import type { Table } from "./finding.ts";

const readme = join(import.meta.dirname, "README.md");
const chart = join(import.meta.dirname, "chart.svg");
const marks = { begin: "<!-- measured -->", end: "<!-- /measured -->" };

/** @throws {Error} when the marks are gone */
export function keepResults(report: string, table: Table): void {
  const text = readFileSync(readme, "utf8");
  const begin = text.indexOf(marks.begin);
  const end = text.indexOf(marks.end);
  if (begin < 0 || end < begin) throw new Error(`${readme} has no place for what was measured`);
  const before = text.slice(0, begin + marks.begin.length);
  const title = "Requests of 1 kB by a second of CPU, beside nginx bare";
  const image = `![${title}](chart.svg)`;
  writeFileSync(readme, `${before}\n\n${image}\n\n${report.trim()}\n\n${text.slice(end)}`);
  writeFileSync(chart, chartOf(table, title));
}
