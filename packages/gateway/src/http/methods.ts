import { METHODS } from "node:http";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// TRACE and TRACK show to a page what scripts must not read, CONNECT asks for another kind of proxy
// (case H9), and PRI begins HTTP/2.
const refused = new Set(["TRACE", "TRACK", "CONNECT", "PRI"]);
/** Methods that origins know. */
const common = new Set(METHODS);

/**
 * Whether requests may have this method, whatever carries them: any token (RFC 9110 9.1) other than
 * those that are refused. `get` is another method than GET to HTTP and the same one to a careless
 * origin, so what differs from a common method in its writing alone is refused as well.
 */
export function isServedMethod(method: string): boolean {
  const upper = method.toUpperCase();
  if (refused.has(upper) || !token.test(method)) return false;
  return upper === method || !common.has(upper);
}
