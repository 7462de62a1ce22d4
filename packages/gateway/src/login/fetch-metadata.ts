// What browsers say of a request in `Sec-Fetch-*` (W3C Fetch Metadata), which no page can forge.
// Programs say nothing.
import type { LoginContext } from "./login-context.ts";

/** Whether there is a `Sec-Fetch-*` at all: browsers send them over https. */
export function hasFetchMetadata(c: LoginContext): boolean {
  return [...c.req.raw.headers.keys()].some((name) => name.startsWith("sec-fetch-"));
}

/** Whether anything says that a browser sent this request (Fetch Metadata, CORS). */
export function isFromBrowser(c: LoginContext): boolean {
  return c.req.header("origin") !== undefined || hasFetchMetadata(c);
}

/** Whether the browser says that a page of this very origin sent the request. */
export function isSameOrigin(c: LoginContext): boolean {
  return c.req.header("sec-fetch-site") === "same-origin";
}

/** Whether the browser says that the page of another origin sent the request. */
export function isFromOtherOrigin(c: LoginContext): boolean {
  const site = c.req.header("sec-fetch-site");
  return site !== undefined && site !== "same-origin" && site !== "none";
}

/**
 * Whether the browser says that the person goes to this page on purpose: from a page of this very
 * origin or by typing its address, and as a visit, not as a picture or a fetch.
 */
export function isOwnNavigation(c: LoginContext): boolean {
  const site = c.req.header("sec-fetch-site");
  const isOwn = site === "same-origin" || site === "none";
  return isOwn && c.req.header("sec-fetch-mode") === "navigate";
}

/**
 * Whether the browser says that the person opened this page: typed, or opened by a program, and no
 * page had a part in it. A browser that says nothing does not say so.
 */
export function isOpenedByPerson(c: LoginContext): boolean {
  const isDocument = c.req.header("sec-fetch-dest") === "document";
  const isFromNowhere = c.req.header("sec-fetch-site") === "none";
  return isVisit(c) && isDocument && isFromNowhere;
}

/** Whether a page is asked for to be shown now: not in advance, and not for its headers alone. */
export function isVisit(c: LoginContext): boolean {
  return c.var.facts.method === "GET" && c.req.header("sec-purpose") === undefined;
}
