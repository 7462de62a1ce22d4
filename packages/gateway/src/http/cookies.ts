// Cookies on the wire (RFC 6265bis): reads those that a browser sends, and writes the gateway's
// own. A browser may send several cookies of one name, of different paths or tossed from a sibling
// host (case T11), so a reader gets every value and decides itself.
import { cookies } from "@postern/protocol";

/** A cookie as a browser sends it. */
export interface Cookie {
  name: string;
  value: string;
}

/** What a browser does with a cookie. */
export interface CookieAttributes {
  path: string;
  httpOnly: boolean;
  sameSite: "None" | "Lax" | "Strict";
  secure: boolean;
  /** undefined: the cookie lives as long as the browser */
  expires?: Date;
}

const ownNames = `${cookies.authorization}|${cookies.appSession}|(?:__Host-)?postern_[A-Za-z0-9_-]*`;
/** The name of one of the gateway's own cookies, whatever blanks stand around it, and its end. */
const ownName = new RegExp(`\\s*(?:${ownNames})\\s*(?:[=;]|$)`, "y");
const longestLifeMs = 399 * 24 * 60 * 60_000;

/** Every cookie of a request, in the order sent. `lines` are the values of its `Cookie` headers. */
export function readCookies(lines: readonly string[]): Cookie[] {
  const pairs: Cookie[] = [];
  for (const line of lines) {
    for (const pair of line.split(";")) {
      const equals = pair.indexOf("=");
      if (equals < 0) continue;
      pairs.push({ name: trimmed(pair.slice(0, equals)), value: trimmed(pair.slice(equals + 1)) });
    }
  }
  return pairs;
}

/**
 * Every value of one cookie, in the order sent. The others are not looked at: this is done for each
 * request, and most of a line is the application's own.
 */
export function cookieValues(lines: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (const line of lines) {
    let start = line.indexOf(name);
    while (start >= 0) {
      const equals = afterBlanks(line, start + name.length);
      let next = start + name.length;
      if (line[equals] === "=" && beginsPair(line, start)) {
        const semicolon = line.indexOf(";", equals);
        next = semicolon < 0 ? line.length : semicolon;
        values.push(trimmed(line.slice(equals + 1, next)));
      }
      start = line.indexOf(name, next);
    }
  }
  return values;
}

function afterBlanks(line: string, from: number): number {
  let index = from;
  while (isBlank(line.charCodeAt(index))) index++;
  return index;
}

/** Whether nothing but blanks stands between this place and the pair before it. */
function beginsPair(line: string, start: number): boolean {
  let index = start - 1;
  while (index >= 0 && isBlank(line.charCodeAt(index))) index--;
  return index < 0 || line[index] === ";";
}

/** A `Cookie` line without the gateway's own cookies; the others stay untouched, in their order. */
export function withoutOwnCookies(line: string): string {
  if (!line.includes("CF_") && !line.includes("postern_")) return line;
  const kept: string[] = [];
  let keptFrom = 0;
  let start = 0;
  while (start <= line.length) {
    const semicolon = line.indexOf(";", start);
    const end = semicolon < 0 ? line.length : semicolon;
    if (beginsWithOwn(line, start)) {
      if (start > keptFrom) kept.push(line.slice(keptFrom, start - 1));
      keptFrom = end + 1;
    }
    start = end + 1;
  }
  if (keptFrom <= line.length) kept.push(line.slice(keptFrom));
  return kept.join(";").trim();
}

/** Whether the pair that begins here is a cookie of the gateway's own. */
function beginsWithOwn(line: string, start: number): boolean {
  ownName.lastIndex = start;
  return ownName.test(line);
}

/** Whether a `Set-Cookie` line sets a cookie of the gateway's own. */
export function setsOwnCookie(line: string): boolean {
  // Browsers send the value of a cookie without a name alone: `=CF_Authorization=x` comes back as
  // `CF_Authorization=x` (RFC 6265bis 5.7).
  return beginsWithOwn(line.replace(/^[\s=]+/, ""), 0);
}

/** The attributes of the gateway's own cookies: for this host alone, out of reach of scripts. */
export function ownCookieAttributes(scheme: "http" | "https"): CookieAttributes {
  return { path: "/", httpOnly: true, sameSite: "Lax", secure: scheme === "https" };
}

/**
 * When a cookie ends: browsers keep none longer than 400 days (RFC 6265bis section 5.6.1). Both in
 * milliseconds since the epoch.
 */
export function cookieExpiry(at: number, now: number): Date {
  return new Date(Math.min(at, now + longestLifeMs));
}

/** A `Set-Cookie` line. Name and value must need no quoting, like tokens and base64url. */
export function setCookieLine({ name, value }: Cookie, attributes: CookieAttributes): string {
  const parts = [`${name}=${value}`, `Path=${attributes.path}`];
  if (attributes.expires !== undefined) parts.push(`Expires=${attributes.expires.toUTCString()}`);
  if (attributes.httpOnly) parts.push("HttpOnly");
  parts.push(`SameSite=${attributes.sameSite}`);
  if (attributes.secure) parts.push("Secure");
  return parts.join("; ");
}

/** A `Set-Cookie` line that removes a cookie from the browser. */
export function removeCookieLine(name: string, attributes: CookieAttributes): string {
  return `${setCookieLine({ name, value: "" }, attributes)}; Max-Age=0`;
}

/**
 * Without spaces and tabs at its ends. Other blanks are part of a name: a sibling host could set
 * `__Host-` cookies with one in front, which browsers do not take for the prefix.
 */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
