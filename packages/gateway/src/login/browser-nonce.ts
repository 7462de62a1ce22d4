// The nonce that names a browser to one host over https, in a cookie that no sibling host can set.
// Tokens are handed to one browser: its sign-in gives it the nonce, and keeps it there for longer
// than any of them lasts (ADR 0015).
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock } from "../clock.ts";
import { browserCookie, browserNonce } from "../http/browser-binding.ts";
import {
  type CookieAttributes,
  cookieExpiry,
  ownCookieAttributes,
  setCookieLine,
} from "../http/cookies.ts";
import type { Application } from "../model/model.ts";
import type { RandomBytes } from "../random.ts";
import { type Browser, type Carrier, needsBrowser } from "../tokens/bound-browser.ts";
import { hasFetchMetadata } from "./fetch-metadata.ts";
import type { LoginContext } from "./login-context.ts";
import { addSetCookie, cookieLinesOf, removeOwnCookie } from "./request-cookies.ts";

/** The nonce that this browser presents over https; undefined over http. */
export function presentedNonce(c: LoginContext): string | undefined {
  if (c.var.facts.scheme !== "https") return undefined;
  return browserNonce(cookieLinesOf(c));
}

/** The browser that a token must have been handed to; undefined: it is good for whoever has it. */
export function browserFor(
  c: LoginContext,
  application: Application,
  carrier: Carrier,
): Browser | undefined {
  const { scheme } = c.var.facts;
  const fromBrowser = hasFetchMetadata(c);
  if (!needsBrowser(application, carrier, { scheme, fromBrowser })) return undefined;
  return { nonce: presentedNonce(c) };
}

/** The nonce of this browser, which gets one where it has none; undefined over http. */
export function ensureNonce(
  c: LoginContext,
  parts: { now: Clock; randomBytes: RandomBytes },
): string | undefined {
  if (c.var.facts.scheme !== "https") return undefined;
  const nonce = presentedNonce(c) ?? parts.randomBytes(24).toString("base64url");
  keepNonce(c, parts, nonce);
  return nonce;
}

/** Keeps the nonce in this browser for as long as browsers keep anything. */
export function keepNonce(c: LoginContext, { now }: { now: Clock }, nonce: string): void {
  const attributes = {
    ...ownCookieAttributes("https"),
    sameSite: sameSiteAt(c.var.facts),
    expires: cookieExpiry(Number.POSITIVE_INFINITY, now()),
  };
  addSetCookie(c, setCookieLine({ name: browserCookie, value: nonce }, attributes));
}

/** Takes the nonce out of this browser: no token of the past counts here again. */
export function forgetNonce(c: LoginContext): void {
  if (c.var.facts.scheme === "https") removeOwnCookie(c, browserCookie);
}

/**
 * All applications of a host share the nonce: it goes wherever the token of one of them goes.
 * `Strict` would lose it on the way back from the team domain.
 */
function sameSiteAt({ catalog, host }: RequestFacts): CookieAttributes["sameSite"] {
  const isCrossSite = catalog.patterns.some(
    ({ application, pattern }) =>
      application.same_site_cookie_attribute === "none" && pattern.matchesHost(host),
  );
  return isCrossSite ? "None" : "Lax";
}
