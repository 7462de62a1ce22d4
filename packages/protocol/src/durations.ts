// Go's duration syntax, as the Cloudflare API uses it for sessions ("24h", "1h30m", "300ms").
import { ProtocolError } from "./errors.ts";

const millisecondsOf: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
  d: 864e5,
};
// Sticky: the first text that is no part ends the search.
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)/gy;

/**
 * Reads a duration such as `24h` or `1h30m`. Days (`d`) are accepted too; Go does not have them.
 * @returns milliseconds, never negative
 * @throws {ProtocolError} bad_duration
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  let total = 0;
  let end = 0;
  for (const [whole, count, unit = ""] of text.matchAll(part)) {
    total += Number(count) * (millisecondsOf[unit] ?? Number.NaN);
    end += whole.length;
  }
  if (text === "" || end !== text.length || !Number.isFinite(total)) {
    throw new ProtocolError(
      "bad_duration",
      `"${text.slice(0, 40)}" is not a duration; write it like 30m, 24h or 1h30m`,
    );
  }
  return total;
}
