// What the plain port says where people are to come over TLS.
import { parseAuthority, withoutFinalDot } from "@postern/protocol";
import { valuesOf } from "./request-headers.ts";
import type { Exchange, RequestHead, ResponseWriter } from "./transport.ts";

/**
 * Answers every request for a host that is served with the same address over https, and nothing
 * else. A redirect to any other host would lend the gateway's name to it.
 * @param isServed takes a host in lower case, without port
 */
export function redirectToHttps(
  httpsPort: number,
  isServed: (host: string) => boolean,
): (exchange: Exchange) => void {
  return ({ head, response }) => {
    const address = addressOf(head);
    if (address === undefined) {
      send(response, 400, "The request names no host, or its address is no path.\n");
    } else if (!isServed(address.host)) {
      send(response, 421, "This gateway does not serve the host that the request names.\n");
    } else {
      const host = httpsPort === 443 ? address.host : `${address.host}:${httpsPort}`;
      send(response, 308, "Use https.\n", `https://${host}${address.path}`);
    }
  };
}

function send(response: ResponseWriter, status: number, body: string, location?: string): void {
  const rawHeaders = ["Content-Type", "text/plain; charset=utf-8"];
  rawHeaders.push("Content-Length", String(body.length));
  if (location !== undefined) rawHeaders.push("Location", location);
  response.closeConnection();
  response.start({ status, rawHeaders });
  response.end(body);
}

/** What a request asks for; undefined when it names no one host, or no path. */
function addressOf({
  rawHeaders,
  target,
}: RequestHead): { host: string; path: string } | undefined {
  // A request with two Host headers is malformed (RFC 9112 3.2).
  const [value, ...more] = valuesOf(rawHeaders, "host");
  if (value === undefined || more.length > 0) return undefined;
  const authority = parseAuthority(value);
  if (authority === undefined) return undefined;
  if (!target.startsWith("/") || target.includes("#")) return undefined;
  return { host: withoutFinalDot(authority.host), path: target };
}
