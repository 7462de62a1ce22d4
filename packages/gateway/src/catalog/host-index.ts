// Which patterns a host can match: found once for each host and kept for the life of the catalog.
import { type CompiledPattern, compilePattern } from "@postern/protocol";
import { BoundedCache } from "../bounded-cache.ts";
import type { Application } from "../model/model.ts";

/** The application that a request belongs to, and why. */
export interface ApplicationMatch {
  application: Application;
  /** the pattern that covers host and path, as configured */
  pattern: string;
}

/** A pattern of an application, ready for matching. */
export interface CatalogPattern {
  pattern: CompiledPattern;
  /** the pattern in lower case, for paths in lower case */
  folded: CompiledPattern;
  application: Application;
  /** the answer to a request that it covers */
  match: ApplicationMatch;
}

const cachedHosts = 1_000;

/** The patterns of all applications, by host. */
export class HostIndex {
  readonly #patterns: readonly CatalogPattern[];
  readonly #byHost = new BoundedCache<string, readonly CatalogPattern[]>(cachedHosts);

  /** @param patterns most specific first */
  constructor(patterns: readonly CatalogPattern[]) {
    this.#patterns = patterns;
  }

  /** The patterns that cover a host, most specific first; none for a host of no application. */
  patternsFor(host: string): readonly CatalogPattern[] {
    const cached = this.#byHost.get(host);
    if (cached !== undefined) return cached;
    const covering = this.#patterns.filter(({ pattern }) => pattern.matchesHost(host));
    // Names no pattern covers are not cached: strangers could fill the cache.
    if (covering.length > 0) this.#byHost.set(host, covering);
    return covering;
  }
}

/** @throws {ProtocolError} bad_pattern */
export function compileDomain(domain: string, application: Application): CatalogPattern {
  const pattern = compilePattern(domain);
  const lower = pattern.text.toLowerCase();
  const folded = lower === pattern.text ? pattern : compilePattern(lower);
  return { pattern, folded, application, match: { application, pattern: pattern.text } };
}
