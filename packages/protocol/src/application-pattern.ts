// Host and path patterns of applications (access-features 3.1). Matching runs on every request,
// anonymous ones too: a host pattern becomes a regular expression that never crosses a dot, a path
// pattern is searched in one pass.
import { ProtocolError } from "./errors.ts";
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

const label = /^[a-z0-9_*]([a-z0-9_*-]*[a-z0-9_*])?$/;
const unreserved = /[A-Za-z0-9._~-]/;

/**
 * Reads `host[/path]`. `host/*` means the same as `host`; ports, schemes, queries and fragments are
 * refused, and so are paths that no request has once it was read: what can never match would
 * protect nothing.
 * @returns with the path's escapes as requests have them, so that `/é`, `/%c3%a9` and `/%C3%A9` are
 * one
 * @throws {ProtocolError} bad_pattern
 */
export function parsePattern(text: string): ApplicationPattern {
  const fail = (why: string): never => {
    throw new ProtocolError("bad_pattern", `"${text.slice(0, 200)}" ${why}`);
  };
  if (text.includes("://")) fail("has a scheme; write only host and path");
  const slash = text.indexOf("/");
  const host = (slash < 0 ? text : text.slice(0, slash)).toLowerCase().replace(/\.$/, "");
  let path = slash < 0 ? "" : text.slice(slash);
  if (host === "") fail("has no host");
  const ip = host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host);
  if (!ip && host.includes(":")) fail("has a port; patterns cover every port");
  if (!ip && !host.split(".").every((part) => label.test(part)))
    fail("has a host that is not a name");
  if (host.split(".").some((part) => part.split("*").length > 2))
    fail("has two wildcards between two dots");
  if (/[?#\\\s]/.test(path)) fail("has a query, fragment, backslash or space in its path");
  if (path.split("/").some((part) => part.split("*").length > 2))
    fail("has two wildcards between two slashes");
  path =
    oneSpelling(path) ??
    fail("has an escape in its path that is none, or stands for a control character");
  if (/\/(?:\.{0,2}\/|\.{1,2}$)/.test(path))
    fail("has two slashes or a dot segment in its path; leave them out");
  if (path.endsWith("/")) path = path.slice(0, -1);
  if (path === "/*") path = "";
  return { text: host + path, host, path };
}

/** RFC 3986 6.2.2: unreserved characters plain, all others beyond ASCII as escapes in capitals. */
function oneSpelling(path: string): string | undefined {
  try {
    // Throws where the bytes are no UTF-8.
    if (/\p{Cc}/u.test(decodeURIComponent(path))) return undefined;
    return path
      .replace(/[^!-~]+/g, (text) => encodeURIComponent(text))
      .replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
        const plain = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
        return unreserved.test(plain) ? plain : triplet.toUpperCase();
      });
  } catch {
    return undefined;
  }
}

const escapeLiteral = (literal: string) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/**
 * Makes a pattern ready for matching.
 * @throws {ProtocolError} bad_pattern
 */
export function compilePattern(text: string): CompiledPattern {
  const pattern = parsePattern(text);
  const { host, path } = pattern;
  const hostHasWildcard = host.includes("*");
  const pathHasWildcard = path.includes("*");
  // A lone `*` stands for one whole label, a partial one for any part of one: neither crosses a
  // dot.
  const hostExpression = hostHasWildcard
    ? new RegExp(
        `^${host
          .split(".")
          .map((part) =>
            part === "*" ? "[^.]+" : part.split("*").map(escapeLiteral).join("[^.]*"),
          )
          .join("\\.")}$`,
      )
    : undefined;
  return {
    ...pattern,
    hostHasWildcard,
    pathHasWildcard,
    matchesHost: hostExpression ? (name) => hostExpression.test(name) : (name) => name === host,
    // `/alpha/*` is the children of `/alpha` alone.
    matchesPath:
      path === ""
        ? () => true
        : pathGlob(path.endsWith("/*") ? path.slice(0, -1) : path, { open: path.endsWith("/*") }),
  };
}

/**
 * Orders patterns by specificity, most specific first: exact hosts before wildcards, then longer
 * hosts, then longer paths (the literal part decides first), then the text, so that the order is
 * total.
 */
export function compareSpecificity(a: CompiledPattern, b: CompiledPattern): number {
  const literal = (text: string) => text.replaceAll("*", "").length;
  return (
    Number(a.hostHasWildcard) - Number(b.hostHasWildcard) ||
    b.host.split(".").length - a.host.split(".").length ||
    literal(b.host) - literal(a.host) ||
    literal(b.path) - literal(a.path) ||
    Number(a.pathHasWildcard) - Number(b.pathHasWildcard) ||
    (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)
  );
}
