// CORS on what the gateway says itself (access-features 12): with `cors_headers` it answers
// preflights in the application's place, and lets the pages of allowed origins read its 401 and
// 403.

import type { LocalAnswer } from "../http/local-answer.ts";
import type { RequestHeaders } from "../http/request-headers.ts";
import type { CorsHeaders } from "../model/model.ts";

/** Empty when the application allows no other origin, or not this one. */
export function corsHeaders(
  cors: CorsHeaders | undefined,
  origin: string | undefined,
): Record<string, string> {
  if (cors === undefined || origin === undefined || !allowsOrigin(cors, origin)) return {};
  const credentials = cors.allow_credentials === true;
  return {
    // `*` would forbid credentials, and an echo without need would invite caches to mix answers up.
    "Access-Control-Allow-Origin": cors.allow_all_origins === true && !credentials ? "*" : origin,
    ...(credentials ? { "Access-Control-Allow-Credentials": "true" } : {}),
    Vary: "Cookie, Origin",
  };
}

export function isPreflight(method: string, requestHeaders: RequestHeaders): boolean {
  return (
    method === "OPTIONS" &&
    requestHeaders.origin !== undefined &&
    requestHeaders.preflightMethod !== undefined
  );
}

/** For an origin that is not allowed, an answer that allows nothing. */
export function answerPreflight(cors: CorsHeaders, requestHeaders: RequestHeaders): LocalAnswer {
  return { status: 204, headers: preflightHeaders(cors, requestHeaders), body: "" };
}

function preflightHeaders(
  cors: CorsHeaders,
  requestHeaders: RequestHeaders,
): Record<string, string> {
  const allowed = corsHeaders(cors, requestHeaders.origin);
  if (Object.keys(allowed).length === 0) return { Vary: "Origin" };
  const methods =
    cors.allow_all_methods === true
      ? requestHeaders.preflightMethod
      : cors.allowed_methods?.join(", ");
  const headers =
    cors.allow_all_headers === true
      ? requestHeaders.preflightHeaders
      : cors.allowed_headers?.join(", ");
  return {
    ...allowed,
    ...(methods === undefined ? {} : { "Access-Control-Allow-Methods": methods }),
    ...(headers === undefined ? {} : { "Access-Control-Allow-Headers": headers }),
    ...(cors.max_age === undefined ? {} : { "Access-Control-Max-Age": String(cors.max_age) }),
  };
}

function allowsOrigin(cors: CorsHeaders, origin: string): boolean {
  return cors.allow_all_origins === true || cors.allowed_origins?.includes(origin) === true;
}
