// Answers of the sign-in that are no pages. Each is for one person and stays out of caches.
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { privateHeaders } from "../http/private-headers.ts";
import type { LoginContext } from "./login-context.ts";

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

/** Answers without a body. */
export function sendEmpty(c: LoginContext, status: 200 | 204): Response {
  setPrivate(c);
  return c.body(null, status);
}

function setPrivate(c: LoginContext): void {
  for (const [name, value] of Object.entries(privateHeaders)) c.header(name, value);
}
