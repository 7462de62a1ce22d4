// What the origin gets of what the client sent, in one pass. Credentials of ours and everything
// hop-by-hop are taken out; identity and forwarding headers are ours alone, whatever spelling a
// client tries (cases H1–H4).
import type { RequestFacts } from "../catalog/request-facts.ts";
import { setsOwnCookie, withoutOwnCookies } from "../http/cookies.ts";
import type { OriginResponseHead } from "../origin/response-reader.ts";

/** Who the origin is told that asks. */
export interface IdentityHeaders {
  assertion: string;
  /** undefined for a program */
  email: string | undefined;
}

/** A request, and what is known beside it. */
export interface SanitizeInput {
  facts: RequestFacts;
  rawHeaders: readonly string[];
  /** undefined on bypass: the identity headers are removed and not set */
  identity: IdentityHeaders | undefined;
  /** the header that held a service token and was used up, lower-case */
  consumedHeader: string | undefined;
  /** `httpHostHeader` of the ingress rule */
  hostHeader: string | undefined;
}

/**
 * Set by us or by nobody. Compared after dashes and underscores became one: CGI and WSGI origins
 * see no difference.
 */
const ours = new Set([
  "x_forwarded_for",
  "x_forwarded_proto",
  "x_forwarded_host",
  "cf_ray",
  "cf_access_jwt_assertion",
  "cf_access_authenticated_user_email",
  "cf_access_token",
  "cf_access_client_id",
  "cf_access_client_secret",
  "cf_access_metadata_request",
  // Other names under which origins look for the address asked for, or for who asks (cases H4,
  // P14).
  "forwarded",
  "x_forwarded_uri",
  "x_forwarded_url",
  "x_forwarded_method",
  "x_forwarded_prefix",
  "x_forwarded_port",
  "x_forwarded_server",
  "x_forwarded_user",
  "x_forwarded_email",
  "x_forwarded_preferred_username",
  "x_forwarded_groups",
  "x_original_url",
  "x_original_uri",
  "x_original_method",
  "x_original_host",
  "x_rewrite_url",
  "x_http_method",
  "x_http_method_override",
  "x_method_override",
  "x_real_ip",
  "cf_connecting_ip",
  "true_client_ip",
]);

/**
 * Written with an underscore, these are other headers to HTTP, and the same to CGI and WSGI origins
 * (case H1).
 */
const neverWithUnderscore = new Set([
  "content_length",
  "content_type",
  "transfer_encoding",
  "host",
  "cookie",
  "authorization",
  "connection",
  "expect",
  "upgrade",
]);

/** RFC 9110 7.6.1, and what is agreed anew with the origin. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
  "expect",
  "http2-settings",
  "proxy",
]);

const neverTrailers = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "trailer",
  "cookie",
  "set-cookie",
  "authorization",
]);

/**
 * What the origin gets of a request's headers, and what the gateway adds.
 * @returns names and values in turn, `Host` first
 */
export function sanitizeHeaders(input: SanitizeInput): string[] {
  const { facts, rawHeaders, identity, consumedHeader, hostHeader } = input;
  const out: string[] = ["Host", hostHeader ?? facts.authority];
  const connectionOptions = readConnectionOptions(rawHeaders);
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (lower === "host" || lower === consumedHeader || isWithheld(lower)) continue;
    if (lower === "cookie") {
      const ofApplication = withoutOwnCookies(value);
      if (ofApplication !== "") out.push(name, ofApplication);
      continue;
    }
    if (connectionOptions?.has(lower) !== true) out.push(name, value);
  }
  // After the client's, so that nothing it says about its connection can take them away (case H3).
  out.push("X-Forwarded-For", facts.clientIp);
  out.push("X-Forwarded-Proto", facts.scheme);
  out.push("X-Forwarded-Host", facts.authority);
  out.push("Cf-Ray", facts.rayId);
  if (identity === undefined) return out;

  out.push("Cf-Access-Jwt-Assertion", identity.assertion);
  if (identity.email !== undefined) out.push("Cf-Access-Authenticated-User-Email", identity.email);
  return out;
}

/**
 * What the client gets of an origin's answer: nothing hop-by-hop, and nothing in our name.
 * @param mayTrail whether trailers can follow on the client's side
 * @returns names and values in turn
 */
export function sanitizeResponseHeaders(
  { rawHeaders, names }: OriginResponseHead,
  rayId: string,
  mayTrail: boolean,
): string[] {
  const out: string[] = [];
  const connectionOptions = names.includes("connection")
    ? readConnectionOptions(rawHeaders)
    : undefined;
  for (let index = 0; index < names.length; index++) {
    const name = rawHeaders[2 * index] ?? "";
    const value = rawHeaders[2 * index + 1] ?? "";
    const lower = names[index] ?? "";
    if (hopByHop.has(lower) || connectionOptions?.has(lower) === true) continue;
    if (lower === "cf-ray" || lower.startsWith("cf-access-")) continue;
    if (lower === "trailer" && !mayTrail) continue;
    // A session of ours is begun by our own sign-in and by nothing that an application says (case
    // T10).
    if (lower === "set-cookie" && setsOwnCookie(value)) continue;
    out.push(name, value);
  }
  out.push("Cf-Ray", rayId);
  return out;
}

/**
 * Trailers that may go on, in either direction: none that frames, routes or names somebody (RFC
 * 9110 section 6.5.1).
 */
export function sanitizeTrailers(rawTrailers: readonly string[]): string[] {
  const out: string[] = [];
  for (let index = 0; index < rawTrailers.length; index += 2) {
    const name = rawTrailers[index] ?? "";
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || neverTrailers.has(lower) || isOurs(lower)) continue;
    out.push(name, rawTrailers[index + 1] ?? "");
  }
  return out;
}

/** Whether a header of the client's never reaches an origin, whatever its value. */
function isWithheld(lower: string): boolean {
  if (hopByHop.has(lower) || isOurs(lower)) return true;
  return lower.includes("_") && neverWithUnderscore.has(lower.replaceAll("-", "_"));
}

function isOurs(lower: string): boolean {
  // Most names cannot be one of ours by their first letter: c, f, t, x.
  const first = lower.charCodeAt(0);
  if (first !== 0x63 && first !== 0x66 && first !== 0x74 && first !== 0x78) return false;
  return ours.has(lower.replaceAll("-", "_"));
}

/** Length and type of a body and who asks are facts, and not options of a connection. */
const neverOptions = [
  "content-length",
  "content-type",
  "content-encoding",
  "cookie",
  "authorization",
];

/**
 * The headers that a `Connection` header names, besides the usual: hop-by-hop by the sender's own
 * word (RFC 9110 7.6.1).
 */
function readConnectionOptions(rawHeaders: readonly string[]): Set<string> | undefined {
  let options: Set<string> | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.length !== "connection".length || name.toLowerCase() !== "connection") continue;
    const value = (rawHeaders[index + 1] ?? "").toLowerCase();
    if (value === "keep-alive" || value === "close") continue;
    options ??= new Set();
    for (const option of value.split(",")) options.add(option.trim());
  }
  for (const name of neverOptions) options?.delete(name);
  return options;
}
