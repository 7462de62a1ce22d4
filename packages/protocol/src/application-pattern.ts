// Host and path patterns of applications (access-features 3.1). Matching runs on every request, so the
// only regular expressions are ones made here, from patterns that allow no more than `*`.
import { ProtocolError } from "./errors.ts";

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

/**
 * Reads `host[/path]`. `host/*` means the same as `host`; ports, schemes, queries and fragments are refused.
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
  if (!ip && !host.split(".").every((part) => label.test(part))) fail("has a host that is not a name");
  if (host.split(".").some((part) => part.split("*").length > 2)) fail("has two wildcards between two dots");
  if (/[?#\\\s]/.test(path)) fail("has a query, fragment, backslash or space in its path");
  if (path.split("/").some((part) => part.split("*").length > 2)) fail("has two wildcards between two slashes");
  if (path === "/" || path === "/*") path = "";
  else if (path.endsWith("/")) path = path.slice(0, -1);
  return { text: host + path, host, path };
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
  // A lone `*` stands for one whole label, a partial one for any part of one: neither crosses a dot.
  const hostExpression = hostHasWildcard
    ? new RegExp(
        `^${host
          .split(".")
          .map((part) => (part === "*" ? "[^.]+" : part.split("*").map(escapeLiteral).join("[^.]*")))
          .join("\\.")}$`,
      )
    : undefined;
  // A path wildcard crosses slashes; a path covers what lies below it on segment boundaries. A trailing
  // `/*` means the children only.
  const children = path.endsWith("/*");
  const pathExpression = pathHasWildcard
    ? new RegExp(`^${(children ? path.slice(0, -1) : path).split("*").map(escapeLiteral).join(".*")}${children ? "" : "(?:/|$)"}`)
    : undefined;
  return {
    ...pattern,
    hostHasWildcard,
    pathHasWildcard,
    matchesHost: hostExpression ? (name) => hostExpression.test(name) : (name) => name === host,
    matchesPath: pathExpression
      ? (asked) => pathExpression.test(asked)
      : (asked) => path === "" || (asked.startsWith(path) && (asked.length === path.length || asked.charCodeAt(path.length) === 47)),
  };
}

/**
 * Orders patterns by specificity, most specific first: exact hosts before wildcards, then longer hosts,
 * then longer paths (the literal part decides first), then the text, so that the order is total.
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
