/** Characters of a line, as a terminal commonly has them. */
const width = 80;

/**
 * A line as lines that a terminal shows whole, cut at blanks. A word that is longer stays whole.
 * @param indent of the lines behind the first
 */
export function wrapped(line: string, indent: number): string[] {
  const start = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = start;
  for (const word of line.slice(start.length).split(" ")) {
    const isFirst = current.trim() === "";
    if (!isFirst && current.length + 1 + word.length > width) {
      lines.push(current);
      current = " ".repeat(indent) + word;
      continue;
    }
    current += isFirst ? word : ` ${word}`;
  }
  return [...lines, current];
}
