// Which application a request belongs to (access-features 3.1): the most specific pattern that
// covers host and path. What a host can match is worked out once for each configuration.
import { type CompiledPattern, compilePattern } from "@postern/protocol";
import type { Application } from "../model/model.ts";
import type { Catalog } from "./catalog.ts";

export interface ApplicationMatch {
  application: Application;
  /** the pattern that matched, as configured */
  pattern: string;
}

interface Candidate extends ApplicationMatch {
  compiled: CompiledPattern;
  /** the pattern in lower case, for paths in lower case */
  folded: CompiledPattern;
}

const hostsPerCatalog = 1_000;
const candidatesOf = new WeakMap<Catalog, Map<string, Candidate[]>>();

/**
 * The patterns that cover a host, most specific first; empty for a host that no application has.
 */
function candidates(catalog: Catalog, host: string): Candidate[] {
  let hosts = candidatesOf.get(catalog);
  if (hosts === undefined) {
    hosts = new Map();
    candidatesOf.set(catalog, hosts);
  }
  const known = hosts.get(host);
  if (known !== undefined) return known;
  const found = catalog.patterns
    .filter(({ pattern }) => pattern.matchesHost(host))
    .map(({ pattern, application }) => ({
      application,
      pattern: pattern.text,
      compiled: pattern,
      folded: compilePattern(pattern.text.toLowerCase()),
    }));
  // Anybody may ask under any name: names that nothing covers are not kept, and the others not
  // without end.
  if (found.length > 0) {
    if (hosts.size >= hostsPerCatalog) hosts.clear();
    hosts.set(host, found);
  }
  return found;
}

/** Whether any application has this host. */
export function isApplicationHost(catalog: Catalog, host: string): boolean {
  return candidates(catalog, host).length > 0;
}

/**
 * @param host lower-case, no port
 * @param path canonical
 */
export function matchApplication(
  catalog: Catalog,
  host: string,
  path: string,
): ApplicationMatch | undefined {
  for (const candidate of candidates(catalog, host))
    if (candidate.compiled.matchesPath(path)) return candidate;
  return undefined;
}

/**
 * Whether an origin that takes `/ADMIN` for `/admin` would find another application there than the
 * one that was matched: a more specific one, whose pattern fits only once case is forgotten (case
 * P7).
 */
export function matchesOnlyWithoutCase(
  catalog: Catalog,
  host: string,
  path: string,
  matched: ApplicationMatch | undefined,
): boolean {
  const lower = path.toLowerCase();
  for (const candidate of candidates(catalog, host)) {
    if (candidate.application === matched?.application) return false;
    // Somebody who configured both spellings has an origin that tells them apart.
    if (
      candidate.folded.matchesPath(lower) &&
      candidate.folded.text !== matched?.pattern.toLowerCase()
    )
      return true;
  }
  return false;
}

/**
 * The widest part of the path, cut at a `/`, under which every path belongs to the application that
 * has this one; undefined when that cannot be said. The widest and not the longest: where nothing
 * else lies below a pattern, all its paths share one answer, which is signed once (ADR 0003).
 */
export function pathScope(catalog: Catalog, host: string, path: string): string | undefined {
  const all = candidates(catalog, host);
  const matched = all.find(({ compiled }) => compiled.matchesPath(path));
  if (matched === undefined || matched.compiled.pathHasWildcard) return undefined;
  const others = all
    .slice(0, all.indexOf(matched))
    .filter(({ application }) => application !== matched.application);
  for (const scope of prefixes(matched.compiled.path, path)) {
    if (!others.some(({ compiled }) => mayCoverBelow(compiled, scope))) return scope;
  }
  return undefined;
}

/**
 * `/a`, `/a/b`, `/a/b/c` of a path, from the one on that the pattern names; `/` first when it names
 * the whole host.
 */
function* prefixes(pattern: string, path: string): Generator<string> {
  if (pattern === "") yield "/";
  for (
    let end = path.indexOf("/", Math.max(pattern.length, 1));
    end > 0;
    end = path.indexOf("/", end + 1)
  )
    yield path.slice(0, end);
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
