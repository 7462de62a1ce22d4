// What `--debug` shows of an HTTP exchange, and what may be shown of a URL at all.
import type { Context } from "../context.ts";
import type { HttpRequest, HttpResponse } from "./http-message.ts";

const secretHeaders =
  /^(?:cookie|set-cookie|authorization|proxy-authorization|cf-access-token|cf-access-client-secret|cf-access-metadata)$/i;

/**
 * The URL without what others could use: passwords, transfer keys and the values of its query.
 * @param text a URL, or text that contains some
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(:\/\/)[^/?#\s]*@/g, "$1…@")
    .replace(/([?&#][^=&#\s]+=)[^&#\s]*/g, "$1…")
    .replace(/(\/transfer\/)[^/?#\s]+/g, "$1…");
}

/** Shows a request on standard error, where the person asked for it. */
export function showRequest(context: Context, request: HttpRequest): void {
  if (!context.debug) return;
  context.tell(`> ${request.method} ${withoutSecrets(request.url.href)}`);
  for (const [name, value] of Object.entries(request.headers ?? {}))
    context.tell(`> ${name}: ${secretHeaders.test(name) ? "…" : value}`);
}

/** Shows a response likewise. */
export function showResponse(context: Context, response: HttpResponse): void {
  if (!context.debug) return;
  context.tell(`< ${response.status}`);
  for (const [name, value] of Object.entries(response.headers)) {
    const shown = secretHeaders.test(name) ? "…" : withoutSecrets(String(value));
    context.tell(`< ${name}: ${shown}`);
  }
}
