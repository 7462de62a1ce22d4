// The headers of a client that the rendered configuration of a proxy takes away or overwrites. They
// are those of sanitize-headers.ts, one by one: most proxies know no families of names. What a
// client sends of the families beyond this list, or in another spelling, makes the gateway ask for
// the whole request (hand-over.ts).
import { headers as names } from "@postern/protocol";
import { hopByHop, isWithheld, ours } from "./sanitize-headers.ts";

/** What only the connection between a client and the proxy is about, and proxies pass on. */
const ofConnection = ["proxy", "proxy-authorization", "proxy-connection", "http2-settings"];

/** The families, as far as programs read them. */
const ofFamilies = [
  names.assertion,
  names.userEmail,
  names.accessToken,
  names.proof,
  names.clientId,
  names.clientSecret,
  names.jumpDestination,
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-method",
  "x-forwarded-uri",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-forwarded-scheme",
  "x-forwarded-user",
  "x-forwarded-email",
  "x-forwarded-groups",
  "x-forwarded-preferred-username",
  "x-forwarded-access-token",
  "x-forwarded-client-cert",
  "x-auth-request-user",
  "x-auth-request-email",
  "x-auth-request-groups",
  "x-auth-request-preferred-username",
  "x-auth-request-access-token",
  "x-auth-request-redirect",
  "x-remote-user-name",
  "x-remote-user-email",
  "x-remote-user-groups",
];

/** Lower-case, each once. */
export const strippedHeaders: readonly string[] = [...ours, ...ofFamilies, ...ofConnection];

const strippedNames = new Set(strippedHeaders);

/** The first header that the gateway would take away and the proxy does not. */
export function unstrippedHeader(rawHeaders: readonly string[]): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    if (isWithheld(name) && !hopByHop.has(name) && !strippedNames.has(name)) return name;
  }
  return undefined;
}
