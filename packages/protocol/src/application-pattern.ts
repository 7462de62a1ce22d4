// Host and path patterns of applications (access-features 3.1). Matching runs on every request,
// anonymous ones too: a host pattern becomes a regular expression that never crosses a dot, a path
// pattern is searched in one pass.
import { ProtocolError } from "./errors.ts";
import { isHostName, withoutFinalDot } from "./host.ts";
import { pathGlob } from "./path-glob.ts";

export interface ApplicationPattern {
  /** as configured, lower-case host: `*.example.com/alpha/*` */
  text: string;
  host: string;
  /** "" or starts with `/` */
  path: string;
}

export interface CompiledPattern extends ApplicationPattern {
  hostHasWildcard: boolean;
  pathHasWildcard: boolean;
  matchesHost(host: string): boolean;
  /** @param path canonical path without query */
  matchesPath(path: string): boolean;
}

/**
 * Reads `host[/path]`. `host/*` means the same as `host`; ports, schemes, queries and fragments are
 * refused. So are paths that no request has once the gateway has read it: a pattern that cannot
 * match would protect nothing.
 * @returns with the path's escapes as requests have them: `/é`, `/%c3%a9` and `/%C3%A9` are one
 * @throws {ProtocolError} bad_pattern
 */
export function parsePattern(text: string): ApplicationPattern {
  if (text.includes("://")) throw badPattern(text, "has a scheme; write only host and path");
  const slash = text.indexOf("/");
  const hostEnd = slash < 0 ? text.length : slash;
  const host = withoutFinalDot(text.slice(0, hostEnd).toLowerCase());
  const fault = faultOfHost(host);
  if (fault !== undefined) throw badPattern(text, fault);
  const path = readPath(text, text.slice(hostEnd));
  return { text: host + path, host, path };
}

/**
 * Reads the path of a pattern alone, which starts with `/`.
 * @returns with escapes as requests have them and no slash at its end; "" for every path
 * @throws {ProtocolError} bad_pattern
 */
export function parsePathPattern(path: string): string {
  return readPath(path, path);
}

/**
 * Reads a path pattern that covers what it matches and nothing below it, unless a wildcard does.
 * @returns with escapes as requests have them; a slash at its end is a part of it
 * @throws {ProtocolError} bad_pattern
 */
export function parseExactPath(path: string): string {
  if (!path.startsWith("/")) throw badPattern(path, "has no slash at its beginning");
  return canonicalPath(path, path);
}

function badPattern(text: string, why: string): ProtocolError {
  return new ProtocolError("bad_pattern", `"${text.slice(0, 200)}" ${why}`);
}

function faultOfHost(host: string): string | undefined {
  if (host === "") return "has no host";
  const isAddress = host.startsWith("[");
  if (!isAddress && host.includes(":")) return "has a port; patterns cover every port";
  // A wildcard stands wherever a letter may.
  if (!isAddress && !isHostName(host.replaceAll("*", "x")))
    return "has a host that is not a name; write one like app.example.com";
  if (hasTwoWildcards(host, ".")) return "has two wildcards between two dots";
  return undefined;
}

/** @param text the whole pattern, for the message */
function readPath(text: string, path: string): string {
  const withoutFinalSlash = canonicalPath(text, path).replace(/\/$/, "");
  return withoutFinalSlash === "/*" ? "" : withoutFinalSlash;
}

function canonicalPath(text: string, path: string): string {
  if (/[?#\\\s]/.test(path))
    throw badPattern(text, "has a query, fragment, backslash or space in its path");
  if (hasTwoWildcards(path, "/")) throw badPattern(text, "has two wildcards between two slashes");
  const canonical = withCanonicalEscapes(path);
  if (canonical === undefined)
    throw badPattern(
      text,
      "has an escape in its path that is none, or stands for a control character",
    );
  if (/\/(?:\.{0,2}\/|\.{1,2}$)/.test(canonical))
    throw badPattern(text, "has two slashes or a dot segment in its path; leave them out");
  return canonical;
}

function hasTwoWildcards(text: string, separator: string): boolean {
  return text.split(separator).some((part) => part.split("*").length > 2);
}

const unreserved = /[A-Za-z0-9._~-]/;

/**
 * RFC 3986 6.2.2: unreserved characters plain, all others beyond ASCII as escapes in capitals.
 * @returns undefined for an escape that is not UTF-8 or stands for a control character
 */
function withCanonicalEscapes(path: string): string | undefined {
  try {
    // `decodeURIComponent` throws where the bytes are not UTF-8, `encodeURIComponent` where the
    // text is not.
    if (/\p{Cc}/u.test(decodeURIComponent(path))) return undefined;
    return path
      .replace(/[^!-~]+/g, (text) => encodeURIComponent(text))
      .replace(/%[0-9A-Fa-f]{2}/g, canonicalEscape);
  } catch {
    return undefined;
  }
}

function canonicalEscape(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
  return unreserved.test(character) ? character : triplet.toUpperCase();
}

/**
 * Makes a pattern ready for matching.
 * @throws {ProtocolError} bad_pattern
 */
export function compilePattern(text: string): CompiledPattern {
  const pattern = parsePattern(text);
  const { host, path } = pattern;
  return {
    ...pattern,
    hostHasWildcard: host.includes("*"),
    pathHasWildcard: path.includes("*"),
    matchesHost: compileHost(host),
    matchesPath: compilePath(path),
  };
}

function compileHost(host: string): (name: string) => boolean {
  if (!host.includes("*")) return (name) => name === host;
  const labels = host.split(".").map(expressionOfLabel);
  const expression = new RegExp(`^${labels.join("\\.")}$`);
  return (name) => expression.test(name);
}

/** A lone `*` is one whole label, another one any part of a label: neither crosses a dot. */
function expressionOfLabel(label: string): string {
  return label === "*" ? "[^.]+" : label.split("*").map(escapeLiteral).join("[^.]*");
}

function escapeLiteral(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Makes the test for the paths that the path of a pattern covers.
 * @param path "" or starts with `/`, without a slash at its end
 * @param wildcard what stands for the `*` where `*` is a character like others
 */
export function compilePath(path: string, wildcard = "*"): (path: string) => boolean {
  if (path === "") return () => true;
  // `/alpha/*` covers what lies below `/alpha`, and not `/alpha` itself.
  if (path.endsWith(`/${wildcard}`))
    return pathGlob(path.slice(0, -wildcard.length), { open: true, wildcard });
  return pathGlob(path, { wildcard });
}

/**
 * Makes the test for the paths that a pattern of `parseExactPath` covers.
 * @param wildcard what stands for the `*` where `*` is a character like others
 */
export function compileExactPath(path: string, wildcard = "*"): (path: string) => boolean {
  return pathGlob(path, { exact: true, wildcard });
}

/**
 * Orders patterns by specificity, most specific first: exact hosts before wildcards, then hosts of
 * more labels, then longer hosts, then longer paths (each by its literal part), then the text, so
 * that the order is total.
 */
export function compareSpecificity(a: CompiledPattern, b: CompiledPattern): number {
  return (
    Number(a.hostHasWildcard) - Number(b.hostHasWildcard) ||
    b.host.split(".").length - a.host.split(".").length ||
    literalLength(b.host) - literalLength(a.host) ||
    literalLength(b.path) - literalLength(a.path) ||
    Number(a.pathHasWildcard) - Number(b.pathHasWildcard) ||
    compareText(a.text, b.text)
  );
}

function literalLength(text: string): number {
  return text.replaceAll("*", "").length;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
