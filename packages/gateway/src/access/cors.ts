// CORS on what the gateway says itself (access-features 12): with `cors_headers` it answers
// preflights in the application's place, and lets the pages of allowed origins read its 401 and
// 403.
import { defined } from "../defined.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import type { RequestHeaders } from "../http/request-headers.ts";
import type { CorsHeaders } from "../model/model.ts";

/** Empty when the application allows no other origin, or not this one. */
export function corsHeaders(
  cors: CorsHeaders | undefined,
  origin: string | undefined,
): Record<string, string> {
  if (cors === undefined || origin === undefined || !allowsOrigin(cors, origin)) return {};
  const headers: Record<string, string> = {
    "Access-Control-Allow-Origin": origin,
    Vary: "Cookie, Origin",
  };
  if (cors.allow_credentials === true) headers["Access-Control-Allow-Credentials"] = "true";
  // `*` would forbid credentials. Without them an echo would only invite caches to mix answers up.
  else if (cors.allow_all_origins === true) headers["Access-Control-Allow-Origin"] = "*";
  return headers;
}

/** Whether a browser asks what a page of another origin may do (Fetch 3.2.2). */
export function isPreflight(method: string, { origin, preflightMethod }: RequestHeaders): boolean {
  return method === "OPTIONS" && origin !== undefined && preflightMethod !== undefined;
}

/** Answers a preflight. For an origin that is not allowed, the answer allows nothing. */
export function preflightAnswer(cors: CorsHeaders, headers: RequestHeaders): LocalAnswer {
  return { status: 204, headers: preflightHeaders(cors, headers), body: "" };
}

function preflightHeaders(
  cors: CorsHeaders,
  { origin, preflightMethod, preflightHeaders }: RequestHeaders,
): Record<string, string> {
  const ofOrigin = corsHeaders(cors, origin);
  if (Object.keys(ofOrigin).length === 0) return { Vary: "Origin" };
  const methods = cors.allow_all_methods ? preflightMethod : cors.allowed_methods?.join(", ");
  const headers = cors.allow_all_headers ? preflightHeaders : cors.allowed_headers?.join(", ");
  return {
    ...ofOrigin,
    ...defined({
      "Access-Control-Allow-Methods": methods,
      "Access-Control-Allow-Headers": headers,
      "Access-Control-Max-Age": cors.max_age?.toString(),
    }),
  };
}

function allowsOrigin(cors: CorsHeaders, origin: string): boolean {
  return cors.allow_all_origins === true || cors.allowed_origins?.includes(origin) === true;
}
