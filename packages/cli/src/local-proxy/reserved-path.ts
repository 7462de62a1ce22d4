// Whether a path is the gateway's own in any reading: below `/cdn-cgi/access/` passes are minted,
// sessions ended and identities shown (wire-protocol 1), and whoever uses the local proxy gets none
// of it. No list of readings is made. Every reading (path-readings.ts of the gateway, ADR 0013)
// decodes, cuts and removes segments, and adds none: a path that has no `cdn-cgi` with an `access`
// somewhere behind it cannot become that prefix, and one that has both is refused.

/** Escapes of escapes: a path that is nested deeper is refused as well. */
const deepestEscapes = 8;

/** @param path raw, without the query */
export function isReservedPath(path: string): boolean {
  const text = decodedWhole(path);
  if (text === undefined) return true;
  const names = text.split("/").map(nameOf);
  const start = names.indexOf("cdn-cgi");
  return start >= 0 && names.includes("access", start + 1);
}

/** @returns undefined where escapes are nested too deep */
function decodedWhole(path: string): string | undefined {
  let text = path;
  for (let depth = 0; depth < deepestEscapes; depth++) {
    const next = decodeEscapes(text);
    // Compatibility forms, such as a full-width solidus, are what they look like to some programs.
    if (next === text) return text.normalize("NFKC").replaceAll("\\", "/").toLowerCase();
    text = next;
  }
  return undefined;
}

/** Every escape as its character; what is no UTF-8, or no escape, stays as it is. */
function decodeEscapes(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run.replace(/%[0-7][0-9a-f]/gi, decodeURIComponent);
    }
  });
}

/** A segment without `;parameters`, a stream, a NUL and what follows, and what Windows drops. */
function nameOf(segment: string): string {
  return segment.replace(/[;:\0].*$/s, "").replace(/[.\s]+$/, "");
}
