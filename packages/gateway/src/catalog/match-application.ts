// Which application a request belongs to (access-features 3.1): the most specific pattern that
// covers host and path.
import type { CompiledPattern } from "@postern/protocol";
import type { Catalog } from "./catalog.ts";
import type { ApplicationMatch, CatalogPattern } from "./host-index.ts";
import { findPublicPath } from "./public-paths.ts";

export type { ApplicationMatch } from "./host-index.ts";

/** Whether any application has this host. */
export function isApplicationHost(catalog: Catalog, host: string): boolean {
  return catalog.hosts.patternsFor(host).length > 0;
}

/**
 * @param host lower-case, no port
 * @param path canonical
 * @returns of a public path the part of its application that is public
 */
export function matchApplication(
  catalog: Catalog,
  host: string,
  path: string,
): ApplicationMatch | undefined {
  const found = catalog.hosts.find(host);
  const own = coveringPattern(found.patterns, path);
  if (own === undefined || own.publicPaths.length === 0) return own?.match;
  return findPublicPath(found, own, path) ?? own.match;
}

function coveringPattern(
  patterns: readonly CatalogPattern[],
  path: string,
): CatalogPattern | undefined {
  for (const each of patterns) if (each.pattern.matchesPath(path)) return each;
  return undefined;
}

/**
 * The widest part of the path, cut at a `/`, under which every path belongs to the application that
 * has this one; undefined when that cannot be said. The widest and not the longest: where nothing
 * else lies below a pattern, all its paths share one answer, which is signed once (ADR 0003).
 */
export function pathScope(catalog: Catalog, host: string, path: string): string | undefined {
  // Others merge the slashes: to them a scope that holds a run of them would be another.
  if (path.includes("//")) return undefined;
  const patterns = catalog.hosts.patternsFor(host);
  const match = coveringPattern(patterns, path);
  if (match === undefined || match.pattern.pathHasWildcard) return undefined;
  const moreSpecific = patterns.slice(0, patterns.indexOf(match));
  const others = moreSpecific.filter(({ application }) => application !== match.application);
  for (const scope of prefixes(match.pattern.path, path)) {
    if (!others.some(({ pattern }) => mayCoverBelow(pattern, scope))) return scope;
  }
  return undefined;
}

/**
 * `/a`, `/a/b`, `/a/b/c` of a path, from the one on that the pattern names; `/` first when it names
 * the whole host.
 */
function* prefixes(pattern: string, path: string): Generator<string> {
  if (pattern === "") yield "/";
  let end = path.indexOf("/", Math.max(pattern.length, 1));
  while (end > 0) {
    yield path.slice(0, end);
    end = path.indexOf("/", end + 1);
  }
  if (!path.endsWith("/")) yield path;
}

/** Whether a pattern could cover the scope itself or a path below it. */
function mayCoverBelow({ path, pathHasWildcard }: CompiledPattern, scope: string): boolean {
  const below = scope === "/" ? "/" : `${scope}/`;
  // Where a wildcard leads nobody can say: what stands before it must rule the scope out.
  if (pathHasWildcard) {
    const start = path.slice(0, path.indexOf("*"));
    return start.startsWith(below) || below.startsWith(start);
  }
  return path === scope || path.startsWith(below) || below.startsWith(`${path}/`);
}
