// What a pass or a grant may be narrowed to (wire-protocol 8): the shape, and the bounds that the
// command line and the gateway hold it to. All of it stands on one page that a person reads.
import { parsePathPattern } from "./application-pattern.ts";
import { ProtocolError } from "./errors.ts";

/** What a pass or a grant covers, besides its URL prefix; absent: everything. */
export interface CredentialScope {
  /** in upper case */
  methods?: string[];
  /** as `readScopePath` writes them */
  paths?: string[];
  /** requests that may reach the origin */
  count?: number;
}

/** How much a scope may hold, and how long a grant may last. */
export const scopeLimits = {
  methods: 10,
  paths: 10,
  /** characters of a path */
  pathLength: 200,
  count: 1_000_000,
  grantSeconds: 8 * 60 * 60,
  /** characters of a label */
  labelLength: 60,
} as const;

/** Whether this is a method as a scope names it. */
export function isScopeMethod(text: string): boolean {
  return /^[A-Z][A-Z-]{0,30}$/.test(text) && text !== "CONNECT" && text !== "TRACE";
}

/**
 * Reads a path pattern of a scope: it covers what it matches and everything below, and with `/*` at
 * its end only what lies below.
 * @returns as requests have it, with `/` for every path
 * @throws {ProtocolError} bad_pattern
 */
export function readScopePath(text: string): string {
  if (!text.startsWith("/")) throw badPath(text, "does not begin with a slash");
  const path = parsePathPattern(text);
  if (hiddenSegment.test(path))
    throw badPath(text, "has a segment that some applications resolve; write what it leads to");
  if (path.length > scopeLimits.pathLength)
    throw badPath(text, `is longer than ${scopeLimits.pathLength} characters`);
  return path === "" ? "/" : path;
}

/**
 * A dot segment, or an empty one, to an application that decodes slashes or drops parameters: the
 * person who reads the path would have to see that it leads elsewhere.
 */
const hiddenSegment = /(?:\/|%2F|%5C)(?:(?:%2F|%5C)|\.{1,2}(?:\/|%2F|%5C|;|%3B|$))/;

function badPath(text: string, why: string): ProtocolError {
  return new ProtocolError("bad_pattern", `"${text.slice(0, 80)}" ${why}`);
}

/**
 * Whether a text can be the label of a grant. The terminal chooses it, and people read it on pages,
 * in logs and at origins: one line, nothing invisible, and nothing that hides its neighbours.
 */
export function isGrantLabel(text: string): boolean {
  if (text.trim() !== text || [...text].length > scopeLimits.labelLength) return false;
  if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(text) || /\p{M}{3}/u.test(text)) return false;
  return !invisible.test(text);
}

/**
 * Letters, marks and symbols that show nothing: fillers of Hangul, joiners, the blank of Braille.
 * The one after a symbol that makes a coloured picture of it is no harm.
 */
const invisible = /(?<!\p{S})\uFE0F|(?!\uFE0F)\p{Default_Ignorable_Code_Point}|\u2800/u;
