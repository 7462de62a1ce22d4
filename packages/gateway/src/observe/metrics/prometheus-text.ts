// Metrics in the text format of Prometheus, version 0.0.4.
import type { FamilySnapshot } from "./registry.ts";

/** The media type of the format. */
export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

/** Every family, with its help and its type. */
export function prometheusText(families: readonly FamilySnapshot[]): string {
  return families.map(textOfFamily).join("");
}

function textOfFamily(family: FamilySnapshot): string {
  const { name, help, type, series, labelNames } = family;
  const lines = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
  for (const { labels, value, counts } of series) {
    const pairs = labels.map((label, index) => pairOf(labelNames[index] ?? "", label));
    if (counts === undefined) lines.push(`${name}${inBraces(pairs)} ${value}`);
    else lines.push(...histogramLines(family, { pairs, value, counts }));
  }
  return `${lines.join("\n")}\n`;
}

/** The buckets, each with all that is below its bound; then the sum and the count. */
function histogramLines(
  { name, bounds = [] }: FamilySnapshot,
  { pairs, value, counts }: { pairs: string[]; value: number; counts: readonly number[] },
): string[] {
  let total = 0;
  const lines = [...bounds, "+Inf"].map((bound, index) => {
    total += counts[index] ?? 0;
    return `${name}_bucket${inBraces([...pairs, pairOf("le", String(bound))])} ${total}`;
  });
  return [
    ...lines,
    `${name}_sum${inBraces(pairs)} ${value}`,
    `${name}_count${inBraces(pairs)} ${total}`,
  ];
}

function pairOf(name: string, value: string): string {
  return `${name}="${escaped(value).replaceAll('"', '\\"')}"`;
}

function inBraces(pairs: readonly string[]): string {
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
