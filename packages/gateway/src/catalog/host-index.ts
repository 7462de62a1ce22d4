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

const cachedHosts = 1_000;
const noPatterns: HostPatterns = { patterns: [], isPlain: true };

/** The patterns of all applications, by host. */
export class HostIndex {
  readonly #patterns: readonly CatalogPattern[];
  readonly #byHost = new BoundedCache<string, HostPatterns>(cachedHosts);

  /** @param patterns most specific first */
  constructor(patterns: readonly CatalogPattern[]) {
    this.#patterns = patterns;
  }

  /** The patterns that cover a host, most specific first; none for a host of no application. */
  patternsFor(host: string): readonly CatalogPattern[] {
    return this.find(host).patterns;
  }

  /** The patterns that cover a host, and how plain they are. */
  find(host: string): HostPatterns {
    const cached = this.#byHost.get(host);
    if (cached !== undefined) return cached;
    const patterns = this.#patterns.filter(({ pattern }) => pattern.matchesHost(host));
    // Names no pattern covers are not cached: strangers could fill the cache.
    if (patterns.length === 0) return noPatterns;

    const isPlain = patterns.every(({ pattern }) => !isUnplain(pattern.path));
    const hostPatterns = { patterns, isPlain };
    this.#byHost.set(host, hostPatterns);
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
