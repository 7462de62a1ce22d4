// What is the gateway's own in a request or an answer: nothing of it crosses the local proxy, in
// either direction.

/** Cloudflare's own are among them; `cf_clearance` and its kin belong to the application's edge. */
const ownCookie =
  /^(?:__Host-|__Secure-)?(?:CF_(?:Authorization|AppSession|Binding|Session)|postern_.*)$/i;

/**
 * Whether a header is the gateway's own. CGI and its kin turn every other character into an
 * underscore, so `Cf.Access.Token` counts as well (wire-protocol 3).
 */
export function isOwnHeader(lowerName: string): boolean {
  return lowerName.replace(/[^a-z0-9]/g, "-").startsWith("cf-access-");
}

/** Whether a cookie of this name is the gateway's own. */
function isOwnCookie(name: string): boolean {
  return ownCookie.test(name.trim());
}

/** A `Cookie` line without the gateway's cookies; the others stay as they are, in their order. */
export function withoutOwnCookies(line: string): string {
  return line
    .split(";")
    .filter((pair) => !isOwnCookie(pair.split("=", 1)[0] ?? ""))
    .join(";")
    .trim();
}

/** Whether a `Set-Cookie` line sets one of them. */
export function setsOwnCookie(line: string): boolean {
  // A cookie without a name is sent as its value alone (RFC 6265bis 5.7).
  const [name = ""] = line.replace(/^[\s=]+/, "").split(/[=;]/, 1);
  return isOwnCookie(name);
}
