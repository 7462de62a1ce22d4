// Answers of the sign-in that are no pages. Each is for one person and stays out of caches.
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { privateHeaders } from "../http/private-headers.ts";
import { type LoginContext, requestFields } from "./login-context.ts";

/** Characters of a path that the log gets. */
const loggedPathLength = 500;

/** Sends the browser on. 303 after a form, so that going back does not send the form again. */
export function goTo(c: LoginContext, url: string): Response {
  setPrivate(c);
  return c.redirect(url, c.var.facts.method === "POST" ? 303 : 302);
}

/** Answers a program with JSON. */
export function sendJson(c: LoginContext, status: ContentfulStatusCode, body: unknown): Response {
  setPrivate(c);
  return c.json(body, status);
}

/**
 * Refuses a program's request with JSON, in whatever form its protocol has.
 * @param reason for the log, under the ray id of the answer
 */
export function refuseJson(
  c: LoginContext,
  status: ContentfulStatusCode,
  body: object,
  reason: string,
): Response {
  recordRefusal(c, status, reason);
  return sendJson(c, status, body);
}

/** Writes down why an answer says that something is wrong: its ray id finds this line. */
export function recordRefusal(c: LoginContext, status: number, reason: string): void {
  const { facts } = c.var;
  const { method, authority: host } = facts;
  const path = facts.path.slice(0, loggedPathLength);
  const fields = { ...requestFields(facts), method, host, path, status, reason };
  c.var.record({ event: "error_page_shown", ...fields });
}

/** Answers without a body. */
export function sendEmpty(c: LoginContext, status: 200 | 204): Response {
  setPrivate(c);
  return c.body(null, status);
}

function setPrivate(c: LoginContext): void {
  for (const [name, value] of Object.entries(privateHeaders)) c.header(name, value);
}
