// What the plain port says where people are to come over TLS.
import { parseAuthority } from "@postern/protocol";
import { valuesOf } from "./request-headers.ts";
import type { Exchange, RequestHead } from "./transport.ts";

/** Answers every request with the same address over https, and nothing else. */
export function redirectToHttps(httpsPort: number): (exchange: Exchange) => void {
  return ({ head, response }) => {
    const location = secureAddress(head, httpsPort);
    const body =
      location === undefined
        ? "The request names no host, or its address is no path.\n"
        : "Use https.\n";
    const rawHeaders = ["Content-Type", "text/plain; charset=utf-8"];
    rawHeaders.push("Content-Length", String(body.length));
    if (location !== undefined) rawHeaders.push("Location", location);
    response.closeConnection();
    response.start({ status: location === undefined ? 400 : 308, rawHeaders });
    response.end(body);
  };
}

/** The same address over https; undefined when the request names no one host, or no path. */
function secureAddress({ rawHeaders, target }: RequestHead, port: number): string | undefined {
  // A request with two Host headers is malformed (RFC 9112 3.2).
  const [value, ...more] = valuesOf(rawHeaders, "host");
  if (value === undefined || more.length > 0) return undefined;
  const authority = parseAuthority(value);
  if (authority === undefined) return undefined;
  if (!target.startsWith("/") || target.includes("#")) return undefined;
  const host = port === 443 ? authority.host : `${authority.host}:${port}`;
  return `https://${host}${target}`;
}
