// A path, and how else it may be written so that some origins take it for this one and others do
// not (ADR 0013): in other case, with parameters, with a dot behind a name, with a slash twice or
// encoded. And two paths in one: who strips parameters goes back from the first and ends at the
// second.

/** Pairs of so many paths are written into one at most. */
const mostPaired = 40;

/** Every path, its other spellings, and pairs: canonical, but for runs of slashes. */
export function spellingsOf(paths: readonly string[]): Set<string> {
  const spellings = new Set(paths);
  for (const path of paths) {
    spellings.add(path.toUpperCase()).add(path.toLowerCase()).add(path.replaceAll("/", "//"));
    // Not every application is sent encoded slashes.
    spellings.add(`${path.replace(/\/$/, "")}/a%2Fb`);
    const segments = path.split("/").slice(1);
    for (const place of segments.keys())
      for (const spelling of spelledAt(segments, place)) spellings.add(spelling);
  }
  const paired = paths.slice(0, mostPaired);
  for (const first of paired)
    for (const second of paired) for (const each of joined(first, second)) spellings.add(each);
  return spellings;
}

/** One segment written in other ways. */
function spelledAt(segments: readonly string[], place: number): string[] {
  const segment = segments[place] ?? "";
  if (segment === "") return [];
  const others = [segment.toUpperCase(), segment.toLowerCase(), `${segment}.`, `${segment};x`];
  const written = others.map((other) => `/${segments.with(place, other).join("/")}`);
  const doubled = `/${segments.toSpliced(place, 0, "").join("/")}`;
  if (place === 0) return [...written, doubled];
  const [before, behind] = [segments.slice(0, place).join("/"), segments.slice(place).join("/")];
  return [...written, doubled, `/${before}%2F${behind}`];
}

/**
 * The first path to one who takes parameters, `%2F` or both for part of a name, the second to one
 * who knows them.
 */
function joined(first: string, second: string): string[] {
  const names = first.split("/").filter((segment) => segment !== "");
  if (names.length === 0) return [];
  const start = `/${names.join("/")}`;
  return [
    `${start}${"/..;x".repeat(names.length)}${second}`,
    `${start}${"%2F..".repeat(names.length)}${second}`,
    `${start}${"/..%2F..;x".repeat(names.length)}${second}`,
  ];
}
