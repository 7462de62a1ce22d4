// Answers on the wire: the envelope of the Cloudflare v4 API, or what a plain route says.
import { headers as names } from "@postern/protocol";
import { defined } from "../defined.ts";
import type { PlainAnswer } from "./plain-route.ts";
import type { Answer } from "./route.ts";

/** Headers of every answer. Nobody caches it, and no page of another origin may read it. */
const ownHeaders = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Seconds after which it makes sense to ask again. */
const retryAfter: Readonly<Record<number, string>> = { 429: "60", 503: "5" };

/** All four keys are always there (access-api 1.2). */
export function sendEnvelope(
  answer: Answer,
  ray: string,
  headers: Record<string, string> = {},
): Response {
  const { status } = answer;
  const body = answer.ok
    ? defined({
        success: true,
        errors: [],
        messages: answer.messages ?? [],
        result: answer.result ?? null,
        result_info: answer.resultInfo,
      })
    : { success: false, errors: answer.errors, messages: [], result: null };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      ...ownHeaders,
      "Content-Type": "application/json",
      [names.ray]: ray,
      ...advice(status),
      ...headers,
    },
  });
}

/** What clients do with an answer that is no success. Those of Cloudflare's repeat some. */
function advice(status: number): Record<string, string> {
  if (status < 400) return {};
  const after = retryAfter[status];
  if (after !== undefined) return { "Retry-After": after };
  if (status === 401) return { "WWW-Authenticate": "Bearer", "x-should-retry": "false" };
  return { "x-should-retry": "false" };
}

/** An answer that is no envelope. */
export function sendPlain({ status, type, body }: PlainAnswer, ray: string): Response {
  return new Response(body, {
    status,
    headers: { ...ownHeaders, "Content-Type": type, [names.ray]: ray },
  });
}
