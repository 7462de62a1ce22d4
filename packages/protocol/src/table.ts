/** Columns of equal width, two spaces apart; the last one as long as it is. */
export function table(rows: string[][]): string {
  const [first = []] = rows;
  const widths = first.map((_, column) => widest(rows, column));
  const lines = rows.map((cells) => {
    const padded = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    return `${padded.join("  ").trimEnd()}\n`;
  });
  return lines.join("");
}

function widest(rows: string[][], column: number): number {
  const lengths = rows.map((cells) => cells[column]?.length ?? 0);
  return Math.max(...lengths);
}
