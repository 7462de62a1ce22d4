// Netscape's cookie file, which curl and wget read: a token in it goes to its host and path, over
// https where that is its scheme, and never along with a redirect to somewhere else (case C11).
import { cookies } from "@postern/protocol/endpoints";
import { portOf } from "../app-url.ts";
import type { StoredToken } from "../store/token-store.ts";
import type { CurlTarget } from "./curl-section.ts";

/** A target that needs a token, and has one. */
export type TargetWithToken = CurlTarget & { credential: { stored: StoredToken } };

/** Whether the target has a token. */
export function hasToken(target: CurlTarget): target is TargetWithToken {
  return target.credential?.stored !== undefined;
}

/** curl's cookies know no ports (curl-ports.ts); wget's may name one behind the domain. */
export type CookieReader = "curl" | "wget";

/** The text of a cookie file with the token of each target. */
export function cookieFile(targets: TargetWithToken[], reader: CookieReader): string {
  const lines = new Set(targets.map((target) => cookieLine(target, reader)));
  return `# Netscape HTTP Cookie File\n${[...lines].join("\n")}\n`;
}

/** Domain, subdomains too?, path, https only?, expiry, name, value. */
function cookieLine({ app, credential }: TargetWithToken, reader: CookieReader): string {
  const { application, stored } = credential;
  return [
    reader === "wget" ? `${app.hostname}:${portOf(new URL(app.origin))}` : app.hostname,
    "FALSE",
    cookiePath(application.scope),
    app.protocol === "https:" ? "TRUE" : "FALSE",
    // `-j` drops cookies that have no expiry.
    stored.expires_at,
    cookies.authorization,
    stored.token,
  ].join("\t");
}

/**
 * curl escapes some characters differently from `URL`: where one stands, the directory above is as
 * narrow as it gets.
 */
function cookiePath(scope: string): string {
  const oddCharacter = scope.search(/[^\w.~!$&'()*+,;=:@/-]/);
  return oddCharacter < 0 ? scope : scope.slice(0, scope.lastIndexOf("/", oddCharacter) + 1);
}
