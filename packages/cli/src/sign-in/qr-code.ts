// Whether and how the address of the approval page is shown as a QR code, for a phone.
import type { Context } from "../context.ts";
import { terminalColumns, terminalRows } from "../terminal.ts";

/** Columns and rows of a terminal; undefined where it does not know. */
export interface TerminalSize {
  columns: number | undefined;
  rows: number | undefined;
}

/**
 * Shows the URL as a QR code.
 * @param below lines that come after it: by default there must be room for both, so that neither
 * scrolls out of sight
 * @param isRequested show it in a terminal with too few rows as well, and tell why there is none in
 * one with too few columns: a code that wraps cannot be scanned
 * @returns whether there is a code
 */
export async function showQrCode(
  context: Context,
  url: URL,
  below: readonly string[],
  isRequested: boolean,
): Promise<boolean> {
  const { renderUnicodeCompact } = await import("uqr");
  const code = renderUnicodeCompact(url.href, { ecc: "L" }).split("\n");
  const size = { columns: terminalColumns(2), rows: terminalRows(2) };
  const needed = code[0]?.length ?? 0;
  if (size.columns !== undefined && needed > size.columns) {
    if (isRequested)
      context.tell(`The QR code needs ${needed} columns, and this terminal has ${size.columns}.`);
    return false;
  }
  if (!isRequested && !hasRows([...code, ...below], size)) return false;
  for (const line of code) context.tell(line);
  return true;
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
