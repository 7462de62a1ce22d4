// The chart of one table: a bar for each contender, as long as a second of CPU answers requests,
// relative to the table's base. One SVG without text from outside, readable on light and on dark.
import { ratioOf, rowNamed } from "./contest.ts";
import type { Table } from "./finding.ts";
import { own } from "./gateway.ts";

const width = 760;
const barHeight = 22;
const rowHeight = 34;
const labelWidth = 230;
const valueWidth = 70;
const top = 44;

interface Bar {
  name: string;
  value: number;
  isOwn: boolean;
}

/** @param title what a longer bar means */
export function chartOf({ rows, base }: Table, title: string): string {
  const peer = rowNamed(rows, base);
  const bars = rows
    .map((row) => ({
      name: row.name.replaceAll("*", ""),
      value: ratioOf(row, peer, "cost"),
      isOwn: row.name === own.name,
    }))
    .filter(({ value }) => Number.isFinite(value))
    .toSorted((left, right) => right.value - left.value);
  const height = top + bars.length * rowHeight + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .bar { fill: #8c959f; }
  .own { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #6e7681; }
    .own { fill: #4493f8; }
  }
</style>
<text class="title" x="10" y="24">${escaped(title)}</text>
${bars.map((bar, index) => drawn(bar, index, longest(bars))).join("\n")}
</svg>
`;
}

function longest(bars: readonly Bar[]): number {
  return Math.max(...bars.map(({ value }) => value));
}

function drawn({ name, value, isOwn }: Bar, index: number, most: number): string {
  const y = top + index * rowHeight;
  const length = Math.max(1, (value / most) * (width - labelWidth - valueWidth));
  const baseline = y + 16;
  const kind = isOwn ? "bar own" : "bar";
  return `<text x="${labelWidth - 10}" y="${baseline}" text-anchor="end">${escaped(name)}</text>
<rect class="${kind}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>
<text x="${(labelWidth + length + 8).toFixed(1)}" y="${baseline}">${value.toFixed(2)} ×</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
