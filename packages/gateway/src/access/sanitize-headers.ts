// What the origin gets of what the client sent, in one pass. Credentials of ours and everything
// hop-by-hop are taken out; identity and forwarding headers are ours alone, whatever spelling a
// client tries (cases H1–H4).
import { cookies } from "@postern/protocol";
import { BoundedCache } from "../bounded-cache.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { setsOwnCookie, withoutOwnCookies } from "../http/cookies.ts";
import type { OriginResponseHead } from "../origin/response-head.ts";
import { ownCopy } from "../tokens/own-copy.ts";

/** Who the origin is told that asks. */
export interface IdentityHeaders {
  assertion: string;
  /** undefined for a program */
  email: string | undefined;
  /** what else the application wants to be told: names and values in turn */
  more: readonly string[];
  /** whether the assertion is a cookie as well, for an origin that looks for one alone */
  asCookie: boolean;
}

/** A request, and what is known beside it. */
export interface SanitizeInput {
  facts: RequestFacts;
  rawHeaders: readonly string[];
  /** undefined on bypass: the identity headers are removed and not set */
  identity: IdentityHeaders | undefined;
  /** the headers that hold a credential of ours, lower-case */
  consumedHeaders: readonly string[];
  /** `httpHostHeader` of the ingress rule */
  hostHeader: string | undefined;
  /** the client wants trailers, and the origin gets HTTP/2, where all may ask (RFC 9113 8.2.2) */
  wantsTrailers: boolean;
}

/**
 * Set by the gateway or by nobody, beside everything that begins with one of `ourPrefixes`. A
 * client's spelling of one of these is compared after folding (case H1).
 */
export const ours = [
  "cf-ray",
  // Other names under which origins look for the address asked for, or for who asks (cases H4,
  // P14).
  "forwarded",
  "forwarded-for",
  "x-forwarded",
  "x-original-url",
  "x-original-uri",
  "x-original-method",
  "x-original-host",
  "x-original-forwarded-for",
  "x-rewrite-url",
  "x-host",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-scheme",
  "x-url-scheme",
  "front-end-https",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "client-ip",
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "cf-visitor",
  "true-client-ip",
  "fastly-client-ip",
  "remote-user",
  "remote-email",
  "remote-name",
  "remote-groups",
  "x-remote-user",
  "x-webauth-user",
];

/**
 * Families that grow: `X-Forwarded-Ssl`, `-Client-Cert`, `-Groups` …, and the headers in which
 * other gateways name who asks.
 */
const ourPrefixes = ["cf-access-", "x-forwarded-", "x-auth-request-", "x-remote-user-"];

/** RFC 9110 7.6.1, and what is agreed anew with the origin. */
export const hopByHop = new Set([
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

const withheld = new Set([...ours, ...hopByHop]);

/** Headers that frame or type a body: another spelling of one is dropped, the real one is not. */
const framing = new Set(["content-length", "content-type", "content-encoding"]);

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
  const { facts, rawHeaders, identity, consumedHeaders, hostHeader, wantsTrailers } = input;
  const out: string[] = ["Host", hostHeader ?? facts.authority];
  const connectionOptions = readConnectionOptions(rawHeaders);
  let ownCookie = identity?.asCookie === true ? assertionCookie(identity.assertion) : "";
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    const { lower, mayPass } = readName(name);
    if (!mayPass || lower === "host" || consumedHeaders.includes(lower)) continue;
    if (lower === "cookie") {
      const ofApplication = withoutOwnCookies(value);
      if (ofApplication === "") continue;
      out.push(name, ownCookie === "" ? ofApplication : `${ownCookie}; ${ofApplication}`);
      ownCookie = "";
      continue;
    }
    if (connectionOptions?.has(lower) === true) continue;
    out.push(name, lower === "content-length" ? plainLength(value) : value);
  }
  if (ownCookie !== "") out.push("Cookie", ownCookie);
  if (wantsTrailers) out.push("TE", "trailers");
  // After the client's, so that nothing it says about its connection can take them away (case H3).
  out.push("X-Forwarded-For", facts.clientIp);
  out.push("X-Forwarded-Proto", facts.scheme);
  out.push("X-Forwarded-Host", facts.authority);
  out.push("Cf-Ray", facts.rayId);
  if (identity === undefined) return out;

  out.push("Cf-Access-Jwt-Assertion", identity.assertion);
  if (identity.email !== undefined) out.push("Cf-Access-Authenticated-User-Email", identity.email);
  out.push(...identity.more);
  return out;
}

/** The assertion under the name at which origins look for a token of Access (ADR 0037). */
export function assertionCookie(assertion: string): string {
  return `${cookies.authorization}=${assertion}`;
}

/** In its one spelling: an origin may read leading zeros as another base. */
function plainLength(digits: string): string {
  return digits.startsWith("0") ? digits.replace(/^0+(?=\d)/, "") : digits;
}

/**
 * What the client gets of an origin's answer: nothing hop-by-hop, and nothing in our name.
 * @param mayTrail whether trailers can follow on the client's side
 * @returns names and values in turn
 */
export function sanitizeResponseHeaders(
  { status, rawHeaders, names }: OriginResponseHead,
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
    // None is allowed there, not even 0 (RFC 9110 8.6).
    if ((status === 101 || status === 204) && lower === "content-length") continue;
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
export function sanitizeTrailers(rawTrailers: readonly string[]): readonly string[] {
  if (rawTrailers.length === 0) return rawTrailers;
  const out: string[] = [];
  for (let index = 0; index < rawTrailers.length; index += 2) {
    const name = rawTrailers[index] ?? "";
    const { lower, mayPass } = readName(name);
    if (!mayPass || neverTrailers.has(lower)) continue;
    out.push(name, rawTrailers[index + 1] ?? "");
  }
  return out;
}

/** The name of a header of the client's. */
interface HeaderName {
  lower: string;
  /** whether an origin may get the header, as far as its name says */
  mayPass: boolean;
}

/** Names as clients write them, of which few make up most. Bounded: anybody may make one up. */
const readNames = new BoundedCache<string, HeaderName>(1_000);
/** Characters of a name that is remembered. */
const longestReadName = 64;

function readName(name: string): HeaderName {
  return readNames.get(name) ?? learnName(name);
}

function learnName(nameAsSent: string): HeaderName {
  // A part of a whole head, which is not to stay in memory for it.
  const name = ownCopy(nameAsSent);
  const lower = name.toLowerCase();
  const reading = { lower, mayPass: !isWithheld(lower) };
  if (name.length <= longestReadName) readNames.set(name, reading);
  return reading;
}

/**
 * Whether a header of the client's never reaches an origin, whatever its value. CGI, WSGI and
 * their kin turn every character that is neither letter nor digit into an underscore, so that
 * `Cf.Access.Token` and `cf-access-token` are one variable to them (wire-protocol 3).
 */
export function isWithheld(lower: string): boolean {
  if (isPlainName(lower)) return isOurs(lower);
  const folded = lower.replace(/[^a-z0-9]/g, "-");
  return isOurs(folded) || framing.has(folded);
}

function isOurs(name: string): boolean {
  return withheld.has(name) || ourPrefixes.some((prefix) => name.startsWith(prefix));
}

/** Letters, digits and dashes: the name has no other spelling to look for. */
function isPlainName(lower: string): boolean {
  for (let index = 0; index < lower.length; index++) {
    const code = lower.charCodeAt(index);
    const isLetter = code >= 0x61 && code <= 0x7a;
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isLetter && !isDigit && code !== dash) return false;
  }
  return true;
}

const dash = 0x2d;

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
