// Paths with `*`, which stands for anything, slashes included. Searched in one pass from left to
// right: a regular expression with several `.*` needs seconds for one long path, and anybody may
// send one (case O7).

/**
 * Makes the test for paths that a pattern covers: the paths it matches and, on segment boundaries,
 * everything below them.
 * @param options.open anything may follow the pattern, in the middle of a segment too
 * @param options.exact nothing may follow it, a slash neither
 * @param options.wildcard what stands for the `*` in a pattern where `*` is a character like others
 */
export function pathGlob(
  pattern: string,
  options: { open?: boolean; exact?: boolean; wildcard?: string } = {},
): (path: string) => boolean {
  const isOpen = options.open === true;
  const isEnd = options.exact === true ? isLastPlace : isBoundary;
  const [first = "", ...pieces] = pattern.split(options.wildcard ?? "*");
  const last = isOpen ? undefined : pieces.pop();
  return (path) => {
    if (!path.startsWith(first)) return false;
    const end = endOfPieces(path, pieces, first.length);
    if (end < 0) return false;
    if (isOpen || last === "") return true;
    if (last === undefined) return isEnd(path, end);
    return hasPieceBefore(isEnd, path, last, end);
  };
}

/**
 * Where the last piece ends; negative when one is missing. The earliest match of each piece leaves
 * the most room for those after it, so nothing is tried twice.
 */
function endOfPieces(path: string, pieces: readonly string[], start: number): number {
  let end = start;
  for (const piece of pieces) {
    const index = path.indexOf(piece, end);
    if (index < 0) return -1;
    end = index + piece.length;
  }
  return end;
}

function hasPieceBefore(
  isEnd: (path: string, end: number) => boolean,
  path: string,
  piece: string,
  start: number,
): boolean {
  let index = path.indexOf(piece, start);
  while (index >= 0) {
    if (isEnd(path, index + piece.length)) return true;
    index = path.indexOf(piece, index + 1);
  }
  return false;
}

const slash = 0x2f;

function isBoundary(path: string, end: number): boolean {
  return path.length === end || path.charCodeAt(end) === slash;
}

function isLastPlace(path: string, end: number): boolean {
  return path.length === end;
}
