// The identity provider with which this browser signed in last, in a cookie of its own, so that the
// sign-in page offers it first. It says nothing of a person, and signs nobody in.
import type { Clock } from "../clock.ts";
import type { LoginContext } from "./login-context.ts";
import { cookieValuesOf, hostCookieName, setOwnCookie } from "./request-cookies.ts";

const lifeMs = 180 * 24 * 60 * 60_000;
const cookieName = "postern_provider";
/** What ids of providers look like (model/values.ts). */
const idPattern = /^[\w.@-]{1,100}$/;

/** The id of the provider; undefined when this browser has none. */
export function lastProvider(c: LoginContext): string | undefined {
  return cookieValuesOf(c, hostCookieName(c, cookieName)).find((value) => idPattern.test(value));
}

/** Remembers the provider in this browser. */
export function rememberProvider(c: LoginContext, { now }: { now: Clock }, id: string): void {
  setOwnCookie(c, { name: hostCookieName(c, cookieName), value: id }, new Date(now() + lifeMs));
}
