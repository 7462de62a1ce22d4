// The application's own token as this browser's cookie, with the attributes that the application
// chose (access-features 5).
import { cookies, decodeToken } from "@postern/protocol";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Clock } from "../../clock.ts";
import { type CookieAttributes, cookieExpiry, setCookieLine } from "../../http/cookies.ts";
import type { Application } from "../../model/model.ts";
import type { StoredSession } from "../../storage/store.ts";
import type { Tokens } from "../../tokens/tokens.ts";
import { keepNonce, presentedNonce } from "../browser-nonce.ts";
import type { LoginContext } from "../login-context.ts";
import { addSetCookie } from "../request-cookies.ts";

/**
 * Gives this browser a token of the application.
 * @param grant `lifetimeMs` is cut at the session's end
 */
export async function setApplicationCookie(
  c: LoginContext,
  { tokens, now }: { tokens: Tokens; now: Clock },
  grant: { application: Application; session: StoredSession; lifetimeMs: number },
): Promise<void> {
  const { application, session, lifetimeMs } = grant;
  const isSecure = c.var.facts.scheme === "https";
  const nonce = session.kind === "browser" ? presentedNonce(c) : undefined;
  if (nonce !== undefined) keepNonce(c, { now }, nonce);
  const token = await tokens.issueApp(session, application, lifetimeMs, nonce);
  const expiresAt = Number(decodeToken(token).claims["exp"]) * 1000;
  const attributes = {
    path: cookiePath(c.var.facts, application),
    httpOnly: application.http_only_cookie_attribute,
    sameSite: sameSiteOf(application, isSecure),
    secure: isSecure,
    // The official client believes in `Expires` alone (wire-protocol 5.5).
    expires: cookieExpiry(expiresAt, now()),
  };
  addSetCookie(c, setCookieLine({ name: cookies.authorization, value: token }, attributes));
}

function sameSiteOf(application: Application, isSecure: boolean): CookieAttributes["sameSite"] {
  switch (application.same_site_cookie_attribute) {
    case "none":
      // Browsers drop a cookie that is `None` without `Secure`.
      return isSecure ? "None" : "Lax";
    case "lax":
      return "Lax";
    case "strict":
      return "Strict";
  }
}

/** With `path_cookie_attribute`, the application's own path on this host, cut before a wildcard. */
function cookiePath({ catalog, host }: RequestFacts, application: Application): string {
  if (!application.path_cookie_attribute) return "/";
  const match = catalog.patterns.find(
    (entry) => entry.application === application && entry.pattern.matchesHost(host),
  );
  if (match === undefined) return "/";
  const [path = ""] = match.pattern.path.split("*");
  const whole = match.pattern.pathHasWildcard ? path.slice(0, path.lastIndexOf("/")) : path;
  return whole === "" ? "/" : whole;
}
