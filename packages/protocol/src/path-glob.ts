// Paths with `*`, which stands for anything, slashes included. Found in one pass from left to
// right: a regular expression with several `.*` needs seconds for one long path, and anybody may
// send one (case O7).

/**
 * Makes the test for paths that a pattern covers: those that it names and, on segment boundaries,
 * all below them.
 * @param options.open whatever follows the pattern counts, in the middle of a segment too
 */
export function pathGlob(
  pattern: string,
  options: { open?: boolean } = {},
): (path: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = options.open === true ? undefined : rest.pop();
  return (path) => {
    if (!path.startsWith(first)) return false;
    let end = first.length;
    // The earliest place for each piece leaves the most room for those after it: nothing is ever
    // tried again.
    for (const piece of rest) {
      const found = path.indexOf(piece, end);
      if (found < 0) return false;
      end = found + piece.length;
    }
    if (options.open === true || last === "") return true;
    if (last === undefined) return isBoundary(path, end);
    for (let found = path.indexOf(last, end); found >= 0; found = path.indexOf(last, found + 1)) {
      if (isBoundary(path, found + last.length)) return true;
    }
    return false;
  };
}

function isBoundary(path: string, end: number): boolean {
  return path.length === end || path.charCodeAt(end) === 0x2f;
}
