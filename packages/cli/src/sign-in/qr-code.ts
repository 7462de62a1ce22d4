// The address of the approval page as a QR code, for a phone: how it is drawn, and whether there is
// room for it.

/** Lines of half blocks, dark on light, all of one width. */
export type QrCode = readonly string[];

/** Columns and rows of a terminal; undefined where it does not know. */
export interface TerminalSize {
  columns: number | undefined;
  rows: number | undefined;
}

/** Modules of light around the code: scanners manage with half of the four that the norm has. */
const quietZone = 2;

/** The text as a QR code. Two modules stand above each other in a character. */
export async function qrCode(text: string): Promise<QrCode> {
  const { qrModules } = await import("./qr-modules.ts");
  const modules = qrModules(text);
  const isDark = (row: number, column: number) =>
    modules[row - quietZone]?.[column - quietZone] === true;
  const places = Array.from({ length: modules.length + 2 * quietZone }, (_, index) => index);
  const rows = places.filter((row) => row % 2 === 0);
  return rows.map((row) =>
    places.map((column) => block(isDark(row, column), isDark(row + 1, column))).join(""),
  );
}

function block(isUpperDark: boolean, isLowerDark: boolean): string {
  if (isUpperDark) return isLowerDark ? "█" : "▀";
  return isLowerDark ? "▄" : " ";
}

/** Whether the terminal shows the code whole, and with all of the lines below it. */
export function roomFor(
  code: QrCode,
  below: readonly string[],
  size: TerminalSize,
): "enough" | "too_narrow" | "too_low" {
  const { columns = Number.POSITIVE_INFINITY } = size;
  const width = code[0]?.length ?? 0;
  // A code that wraps cannot be scanned.
  if (width > columns) return "too_narrow";
  return hasRows([...code, ...below], size) ? "enough" : "too_low";
}

/**
 * Whether the terminal shows all of the lines at once, with the row of the cursor below them. One
 * that does not know its size is taken to be large enough.
 */
export function hasRows(lines: readonly string[], { columns, rows }: TerminalSize): boolean {
  if (rows === undefined) return true;
  const width = columns ?? Number.POSITIVE_INFINITY;
  // An empty line takes a row, and a long one wraps.
  const rowsOf = (line: string) => Math.max(1, Math.ceil(line.length / width));
  const needed = lines.reduce((sum, line) => sum + rowsOf(line), 0);
  return needed < rows;
}
