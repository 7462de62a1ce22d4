import type { Context } from "../context.ts";
import { terminalColumns } from "../terminal.ts";

/**
 * Shows the URL as a QR code, unless the terminal is known to be too narrow: one that wraps cannot
 * be scanned.
 * @param isExpected tell why where there is none
 */
export async function showQrCode(context: Context, url: URL, isExpected: boolean): Promise<void> {
  const { renderUnicodeCompact } = await import("uqr");
  const lines = renderUnicodeCompact(url.href, { ecc: "L" }).split("\n");
  const needed = lines[0]?.length ?? 0;
  const columns = terminalColumns(2);
  if (columns === undefined || needed <= columns) {
    for (const line of lines) context.tell(line);
    return;
  }
  if (isExpected)
    context.tell(`The QR code needs ${needed} columns, and this terminal has ${columns}.`);
}
