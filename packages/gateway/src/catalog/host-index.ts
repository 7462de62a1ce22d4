// Which patterns a host can match: found once for each host and kept for the life of the catalog.
import { type CompiledPattern, compilePattern } from "@postern/protocol";
import { BoundedCache } from "../bounded-cache.ts";
import type { Application } from "../model/model.ts";
import { isUnplain } from "../path-readings.ts";
import { ReadPattern } from "../read-pattern.ts";

/** The application that a request belongs to, and why. */
export interface ApplicationMatch {
  application: Application;
  /** the pattern that covers host and path, as configured */
  pattern: string;
}

/** A part of what a pattern covers that is public, ready for matching. */
export interface PublicPath {
  /** @param path canonical */
  covers(path: string): boolean;
  readPattern: ReadPattern;
  /** whether it means the same in every reading */
  isPlain: boolean;
  /** the answer to a request that it covers: the public part of the application */
  match: ApplicationMatch;
}

/** A pattern of an application, ready for matching. */
export interface CatalogPattern {
  pattern: CompiledPattern;
  /** the pattern's path as origins read it */
  readPattern: ReadPattern;
  application: Application;
  /** the answer to a request that it covers */
  match: ApplicationMatch;
  /** few or none */
  publicPaths: readonly PublicPath[];
}

/** The patterns that cover one host. */
export interface HostPatterns {
  /** most specific first; none for a host of no application */
  patterns: readonly CatalogPattern[];
  /** whether a path without capitals, escapes and parameters means the same in every reading */
  isPlain: boolean;
}

/** Hosts that only wildcards cover: strangers choose them. */
const cachedHosts = 1_000;
const noPatterns: HostPatterns = { patterns: [], isPlain: true };

/** The patterns of all applications, by host. */
export class HostIndex {
  /** host that a pattern names → its patterns */
  readonly #named: ReadonlyMap<string, readonly CatalogPattern[]>;
  readonly #wild: readonly CatalogPattern[];
  /** as many as are configured: a request to any of them finds its own at once */
  readonly #ofNamed = new Map<string, HostPatterns>();
  readonly #ofOthers = new BoundedCache<string, HostPatterns>(cachedHosts);

  /** @param patterns most specific first, which are those without a wildcard in their host */
  constructor(patterns: readonly CatalogPattern[]) {
    const named = patterns.filter(({ pattern }) => !pattern.hostHasWildcard);
    this.#named = Map.groupBy(named, ({ pattern }) => pattern.host);
    this.#wild = patterns.filter(({ pattern }) => pattern.hostHasWildcard);
  }

  /** The patterns that cover a host, most specific first; none for a host of no application. */
  patternsFor(host: string): readonly CatalogPattern[] {
    return this.find(host).patterns;
  }

  /** The patterns that cover a host, and how plain they are. */
  find(host: string): HostPatterns {
    const cached = this.#ofNamed.get(host) ?? this.#ofOthers.get(host);
    if (cached !== undefined) return cached;
    const named = this.#named.get(host);
    const wild = this.#wild.filter(({ pattern }) => pattern.matchesHost(host));
    const patterns = named === undefined ? wild : [...named, ...wild];
    // Names no pattern covers are not cached: strangers could fill the cache.
    if (patterns.length === 0) return noPatterns;

    const isPlain = patterns.every(({ pattern }) => !isUnplain(pattern.path));
    const hostPatterns = { patterns, isPlain };
    if (named === undefined) this.#ofOthers.set(host, hostPatterns);
    else this.#ofNamed.set(host, hostPatterns);
    return hostPatterns;
  }
}

/** @throws {ProtocolError} bad_pattern */
export function compileDomain(
  domain: string,
  application: Application,
  publicPaths: readonly PublicPath[],
): CatalogPattern {
  const pattern = compilePattern(domain);
  const readPattern = new ReadPattern(pattern.path);
  const match = { application, pattern: pattern.text };
  return { pattern, readPattern, application, match, publicPaths };
}
