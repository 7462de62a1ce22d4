// The identity provider with which this browser signed in last, in a cookie of its own, so that the
// sign-in page offers it first. It says nothing of a person, and signs nobody in.
import type { Clock } from "../clock.ts";
import type { LoginContext } from "./login-context.ts";
import { cookieValuesOf, setOwnCookie } from "./request-cookies.ts";

const lifeMs = 180 * 24 * 60 * 60_000;
/** What ids of providers look like (model/values.ts). */
const idPattern = /^[\w.@-]{1,100}$/;

/** The id of the provider; undefined when this browser has none. */
export function lastProvider(c: LoginContext): string | undefined {
  return cookieValuesOf(c, cookieName(c)).find((value) => idPattern.test(value));
}

/** Remembers the provider in this browser. */
export function rememberProvider(c: LoginContext, { now }: { now: Clock }, id: string): void {
  setOwnCookie(c, { name: cookieName(c), value: id }, new Date(now() + lifeMs));
}

// `__Host-` keeps a sibling host from planting one (case T11); browsers grant the prefix to https
// alone.
function cookieName(c: LoginContext): string {
  const prefix = c.var.facts.scheme === "https" ? "__Host-" : "";
  return `${prefix}postern_provider`;
}
