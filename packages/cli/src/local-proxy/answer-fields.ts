// What the local client gets of the head of an answer: nothing of the gateway's own, and redirects
// within the application lead back to this proxy.
import { connectionFields, fieldsIn, type RawFields } from "./header-fields.ts";
import { isOwnHeader, setsOwnCookie } from "./own-names.ts";
import type { RequestSides } from "./request-fields.ts";

/**
 * Ways around this proxy: a client that takes one asks the application without the credential.
 * `Clear-Site-Data` and the like would be about `localhost`, which is everybody's.
 */
const aboutTheHost = new Set(["alt-svc", "strict-transport-security", "clear-site-data"]);

/** The fields for the client. Those that frame the body stay; what follows them is the same. */
export function localFields(raw: RawFields, sides: RequestSides): string[] {
  const out: string[] = [];
  const isOfConnection = connectionFields(raw);
  for (const { name, lower, value } of fieldsIn(raw)) {
    if (isOwnHeader(lower) || isOfConnection(lower) || aboutTheHost.has(lower)) continue;
    if (lower === "set-cookie" && setsOwnCookie(value)) continue;
    const isAddress = lower === "location" || lower === "content-location";
    out.push(name, isAddress ? localAddress(value, sides) : value);
  }
  return out;
}

/** An absolute address within the application, as the client reaches it. */
function localAddress(value: string, { appOrigin, localOrigin }: RequestSides): string {
  if (!URL.canParse(value)) return value;
  const url = new URL(value);
  if (url.origin !== appOrigin) return value;
  return localOrigin + url.pathname + url.search + url.hash;
}
