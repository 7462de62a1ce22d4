// The answers of the sign-in endpoints that are no pages, and how they read forms.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { privateHeaders } from "../http/private-headers.ts";
import type { LoginEnv } from "./dependencies.ts";
import { readText } from "./read-text.ts";

const formLimit = 64 * 1024;

/** Sends the browser on. 303 after a form, so that going back does not send it again. */
export function goTo(c: Context<LoginEnv>, url: string): Response {
  setPrivate(c);
  return c.redirect(url, c.get("facts").method === "POST" ? 303 : 302);
}

export function sendJson(
  c: Context<LoginEnv>,
  status: ContentfulStatusCode,
  body: unknown,
): Response {
  setPrivate(c);
  return c.json(body, status);
}

export function setPrivate(c: Context<LoginEnv>): void {
  for (const [name, value] of Object.entries(privateHeaders)) c.header(name, value);
}

/**
 * The fields of a form of ours.
 * @returns undefined when it is no form, too long, not UTF-8, names a field twice, or comes from
 * another site's page
 */
export async function readForm(c: Context<LoginEnv>): Promise<Map<string, string> | undefined> {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none") return undefined;
  const [type = ""] = (c.req.header("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded") return undefined;
  const text = await readText(c.req.raw, formLimit);
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) return undefined;
    fields.set(name, value);
  }
  return fields;
}

/**
 * Whether anything says that this is a page of a browser and not a program (Fetch Metadata, CORS).
 */
export function isFromBrowser(c: Context<LoginEnv>): boolean {
  return ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "origin"].some(
    (name) => c.req.header(name) !== undefined,
  );
}
