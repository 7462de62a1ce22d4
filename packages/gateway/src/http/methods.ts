import { METHODS } from "node:http";

// TRACE shows to a page what scripts must not read, and CONNECT asks for another kind of proxy
// (case H9).
const refused = new Set(["TRACE", "CONNECT"]);
const served = new Set(METHODS.filter((method) => !refused.has(method)));

/**
 * Whether requests may have this method, whatever carries them. HTTP/2 has any token for a method,
 * where the parser of HTTP/1.1 knows its list: an origin may take `trace` for TRACE.
 */
export function isServedMethod(method: string): boolean {
  return served.has(method);
}
