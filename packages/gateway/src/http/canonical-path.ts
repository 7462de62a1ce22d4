// One form of every path: what policy sees is byte for byte what the origin gets (cases P2–P6, P8).
// Ambiguity is refused rather than guessed: a path that another program may read differently must
// mean the same application in every reading.

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
  if (raw.charCodeAt(0) !== character.slash) return undefined;
  let plain = true;
  let parameters = false;
  let before = 0;
  for (let index = 0; index < raw.length; index++) {
    const code = raw.charCodeAt(index);
    if (
      code <= character.space ||
      code > character.tilde ||
      code === character.hash ||
      code === character.backslash
    )
      return undefined;
    if (
      code === character.percent ||
      ((code === character.slash || code === character.dot) && before === character.slash)
    )
      plain = false;
    else if (code === character.semicolon) parameters = true;
    before = code;
  }
  if (plain && !parameters) return { path: raw, otherReadings: none, encodedSlash: false };

  const decoded = raw.includes("%") ? decodeUnreserved(raw) : raw;
  if (decoded === undefined) return undefined;
  const path = removeDotSegments(decoded);
  const encodedSlash = path.includes("%2F") || path.includes("%5C");
  if (!parameters && !encodedSlash) return { path, otherReadings: none, encodedSlash };
  const readings = [
    decodeSlashes(path),
    withoutParameters(path),
    decodeSlashes(withoutParameters(path)),
    withoutParameters(decodeSlashes(path)),
  ];
  return {
    path,
    otherReadings: [...new Set(readings.map(removeDotSegments))].filter(
      (reading) => reading !== path,
    ),
    encodedSlash,
  };
}

function decodeSlashes(path: string): string {
  return path.replace(/%2F|%5C/g, "/");
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, "");
}

/**
 * The canonical form of a path that can be read in one way only.
 * @returns undefined for every other path
 */
export function canonicalPath(raw: string): string | undefined {
  const canonical = canonicalize(raw);
  return canonical === undefined || canonical.otherReadings.length > 0 || canonical.encodedSlash
    ? undefined
    : canonical.path;
}

/**
 * Undefined when an escape is broken, or stands for a control character, or the bytes are no UTF-8
 * (case P8).
 */
function decodeUnreserved(raw: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return undefined;
  // Runs of escapes, because a character beyond ASCII takes several: overlong forms are no UTF-8.
  for (const [run] of raw.matchAll(/(?:%[89A-Fa-f][0-9A-Fa-f])+/g)) {
    try {
      if (/[\u0080-\u009f]/.test(strictUtf8.decode(Buffer.from(run.replaceAll("%", ""), "hex"))))
        return undefined;
    } catch {
      return undefined;
    }
  }
  if (/%(?:[01][0-9A-Fa-f]|7[Ff])/.test(raw)) return undefined;
  return raw.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const decoded = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.test(decoded) ? decoded : triplet.toUpperCase();
  });
}

/**
 * RFC 3986 5.2.4, with runs of slashes taken as one. A path that ends in a dot segment ends in a
 * slash.
 */
function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/");
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const last = segments.at(-1);
  const trailing = kept.length > 0 && (last === "" || last === "." || last === "..");
  return `/${kept.join("/")}${trailing ? "/" : ""}`;
}
