const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// TRACE and TRACK show to a page what scripts must not read, and CONNECT asks for another kind of
// proxy (case H9).
const refused = new Set(["TRACE", "TRACK", "CONNECT"]);

/**
 * Whether requests may have this method, whatever carries them: any token (RFC 9110 9.1), other
 * than those that are refused in any writing. An origin may take `trace` for TRACE.
 */
export function isServedMethod(method: string): boolean {
  return token.test(method) && !refused.has(method.toUpperCase());
}
