// One form of every path: what policy sees is byte for byte what the origin gets (cases P2–P6, P8).
// Ambiguity is refused rather than guessed: a path that another program may read differently must
// mean the same application in every reading.
import {
  decodeSlashes,
  resolveMerged,
  resolveSegments,
  withoutParameters,
} from "../path-readings.ts";

/** A path in its one form, and what others could take it for. */
export interface CanonicalPath {
  path: string;
  /**
   * how origins that strip `;parameters`, decode slashes, or do both in either order would read it,
   * where that differs
   */
  otherReadings: readonly string[];
  /** holds `%2F` or `%5C`, which only some applications may be sent (case P4) */
  encodedSlash: boolean;
}

const character = {
  space: 0x20,
  hash: 0x23,
  percent: 0x25,
  dot: 0x2e,
  slash: 0x2f,
  semicolon: 0x3b,
  backslash: 0x5c,
  tilde: 0x7e,
};
const unreserved = /^[A-Za-z0-9._~-]$/;
const none: readonly string[] = [];
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The canonical form of a path without query (RFC 3986 6.2.2): unreserved characters decoded,
 * escapes in upper case, slashes merged, dot segments removed. Decodes once.
 * @returns undefined when it is no path: control characters, non-ASCII, `#`, `\`, broken or
 * forbidden escapes
 */
export function canonicalize(raw: string): CanonicalPath | undefined {
  const look = lookAt(raw);
  if (look === undefined) return undefined;
  const { isCanonical, hasParameters } = look;
  if (isCanonical && !hasParameters) return { path: raw, otherReadings: none, encodedSlash: false };

  const unescaped = raw.includes("%") ? decodeUnreserved(raw) : raw;
  if (unescaped === undefined) return undefined;
  const path = resolveMerged(unescaped);
  const encodedSlash = path.includes("%2F") || path.includes("%5C");
  if (!hasParameters && !encodedSlash) return { path, otherReadings: none, encodedSlash };
  return { path, otherReadings: otherReadingsOf(path), encodedSlash };
}

/**
 * The canonical form of a path, but for its runs of slashes, which stay as they were sent: an empty
 * segment is a segment to RFC 3986, and to origins that take a URL in their path.
 * @param path its canonical form
 * @returns undefined where it has no run of slashes, or where a dot segment would remove another
 * segment for who merges them first: `/a//../b` is `/a/b` to one and `/b` to the other
 */
export function withItsSlashes(raw: string, path: string): string | undefined {
  if (raw === path || !raw.includes("//")) return undefined;
  const resolved = resolveSegments(decodeUnreserved(raw) ?? raw);
  const differsInSlashesAlone = resolved !== path && resolveMerged(resolved) === path;
  return differsInSlashesAlone ? resolved : undefined;
}

/**
 * The canonical form of a path that can be read in one way only.
 * @returns undefined for every other path
 */
export function canonicalPath(raw: string): string | undefined {
  const canonical = canonicalize(raw);
  if (canonical === undefined || canonical.encodedSlash) return undefined;
  return canonical.otherReadings.length > 0 ? undefined : canonical.path;
}

/** Whether a path as a client writes it becomes this one, which is in canonical form. */
export function isSamePath(raw: string, path: string): boolean {
  if (raw === path) return true;
  const canonical = canonicalize(raw)?.path;
  if (canonical === undefined) return false;
  return canonical === path || withItsSlashes(raw, canonical) === path;
}

/** Looks at each character once: most paths are canonical as they came. */
function lookAt(raw: string): { isCanonical: boolean; hasParameters: boolean } | undefined {
  if (raw.charCodeAt(0) !== character.slash) return undefined;
  let isCanonical = true;
  let hasParameters = false;
  let previous = 0;
  for (let index = 0; index < raw.length; index++) {
    const code = raw.charCodeAt(index);
    if (code <= character.space || code > character.tilde) return undefined;
    if (code === character.hash || code === character.backslash) return undefined;
    const isAfterSlash = previous === character.slash;
    if (code === character.percent) isCanonical = false;
    else if (isAfterSlash && (code === character.slash || code === character.dot))
      isCanonical = false;
    else if (code === character.semicolon) hasParameters = true;
    previous = code;
  }
  return { isCanonical, hasParameters };
}

/** The readings of programs that strip parameters, decode slashes, or do both in either order. */
function otherReadingsOf(path: string): string[] {
  const readings = [
    decodeSlashes(path),
    withoutParameters(path),
    decodeSlashes(withoutParameters(path)),
    withoutParameters(decodeSlashes(path)),
  ];
  const distinct = new Set(readings.map(resolveMerged));
  distinct.delete(path);
  return [...distinct];
}

/**
 * Decodes the escapes of unreserved characters, and writes the others in upper case.
 * @returns undefined when an escape is broken, or stands for a control character, or the bytes are
 * no UTF-8 (case P8)
 */
function decodeUnreserved(raw: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return undefined;
  if (/%(?:[01][0-9A-Fa-f]|7[Ff])/.test(raw)) return undefined;
  // Runs of escapes, because a character beyond ASCII takes several: overlong forms are no UTF-8.
  for (const [run] of raw.matchAll(/(?:%[89A-Fa-f][0-9A-Fa-f])+/g))
    if (!isText(Buffer.from(run.replaceAll("%", ""), "hex"))) return undefined;
  return raw.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const plain = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.test(plain) ? plain : triplet.toUpperCase();
  });
}

/** Whether the bytes are UTF-8 without control characters of the upper half. */
function isText(bytes: Buffer): boolean {
  try {
    return !/[\u0080-\u009f]/.test(strictUtf8.decode(bytes));
  } catch {
    return false;
  }
}
