// The cookies of one request to the sign-in and of its answer; http/cookies.ts has their form.
import {
  type Cookie,
  cookieValues,
  ownCookieAttributes,
  readCookies,
  removeCookieLine,
  setCookieLine,
} from "../http/cookies.ts";
import type { LoginContext } from "./login-context.ts";

/** Every cookie that this browser sends, in the order sent. */
export function cookiesOf(c: LoginContext): Cookie[] {
  return readCookies(cookieLinesOf(c));
}

/** Every value that this browser sends of one cookie, in the order sent. */
export function cookieValuesOf(c: LoginContext, name: string): string[] {
  return cookieValues(cookieLinesOf(c), name);
}

/**
 * The full name of a cookie of the gateway's own that no sibling host can plant (case T11).
 * Browsers grant the prefix to https alone.
 */
export function hostCookieName(c: LoginContext, name: string): string {
  return c.var.facts.scheme === "https" ? `__Host-${name}` : name;
}

/** Gives this browser a cookie of the gateway's own, with the attributes that all of them have. */
export function setOwnCookie(c: LoginContext, cookie: Cookie, expires: Date): void {
  const attributes = { ...ownCookieAttributes(c.var.facts.scheme), expires };
  addSetCookie(c, setCookieLine(cookie, attributes));
}

/** Takes a cookie of the gateway's own out of this browser. */
export function removeOwnCookie(c: LoginContext, name: string): void {
  addSetCookie(c, removeCookieLine(name, ownCookieAttributes(c.var.facts.scheme)));
}

/** Adds a `Set-Cookie` line to the answer, beside those that it has. */
export function addSetCookie(c: LoginContext, line: string): void {
  c.header("Set-Cookie", line, { append: true });
}

/** The `Cookie` lines of the request. */
export function cookieLinesOf(c: LoginContext): string[] {
  return [c.req.header("cookie") ?? ""];
}
