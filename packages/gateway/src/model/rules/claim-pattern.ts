// Patterns for the values of claims. Linear in pattern and value: the value is a stranger's.

/** `*`: any run of characters without a slash; `**`: any run at all; or the very text. */
type Part = { kind: "text"; text: string } | { kind: "run"; crossesSlashes: boolean };

/** Whether a value fits as a whole. */
export type ClaimPattern = (value: string) => boolean;

/** Makes a pattern ready. Without `*` it fits its own text alone. */
export function claimPattern(pattern: string): ClaimPattern {
  if (!pattern.includes("*")) return (value) => value === pattern;
  const parts = partsOf(pattern);
  return (value) => fits(parts, value);
}

function partsOf(pattern: string): Part[] {
  const texts = pattern.split(/(\*+)/).filter((text) => text !== "");
  return texts.map((text) => {
    if (!text.startsWith("*")) return { kind: "text", text };
    return { kind: "run", crossesSlashes: text.length > 1 };
  });
}

/** Follows every place in the value that the parts so far can end at, all at once. */
function fits(parts: readonly Part[], value: string): boolean {
  let ends = new Set([0]);
  for (const part of parts)
    ends = part.kind === "text" ? after(part, value, ends) : over(part, value, ends);
  return ends.has(value.length);
}

function after({ text }: Part & { kind: "text" }, value: string, starts: Set<number>): Set<number> {
  const ends = [...starts].filter((start) => value.startsWith(text, start));
  return new Set(ends.map((start) => start + text.length));
}

function over(
  { crossesSlashes }: Part & { kind: "run" },
  value: string,
  starts: Set<number>,
): Set<number> {
  const ends = new Set<number>();
  let isOpen = false;
  for (let place = 0; place <= value.length; place++) {
    if (!crossesSlashes && value[place - 1] === "/") isOpen = false;
    isOpen ||= starts.has(place);
    if (isOpen) ends.add(place);
  }
  return ends;
}
