// Which requests a narrower pass or a grant covers (wire-protocol 8): method and path. A path
// counts as covered only if it is in every way in which an origin may read it, compared with the
// pattern as that origin would read that (case P3, ADR 0013).
import type { CredentialScope } from "@postern/protocol";
import { readPath } from "../path-readings.ts";
import { commonTraits, ReadPattern } from "../read-pattern.ts";

/** What of a request lies outside a scope. */
export type ScopeFault = "method" | "path";

/** A scope, ready to hold requests to it. */
export class RequestScope {
  readonly methods: readonly string[] | undefined;
  readonly paths: readonly string[] | undefined;
  readonly count: number | undefined;
  readonly #patterns: readonly ReadPattern[] | undefined;

  constructor({ methods, paths, count }: CredentialScope) {
    this.methods = methods;
    this.paths = paths;
    this.count = count;
    this.#patterns = paths?.map(patternOf);
  }

  /**
   * What of a request the scope does not cover.
   * @param path canonical
   */
  faultOf({ method, path }: { method: string; path: string }): ScopeFault | undefined {
    if (this.methods?.includes(method) === false) return "method";
    return this.#coversPath(path) ? undefined : "path";
  }

  #coversPath(path: string): boolean {
    const patterns = this.#patterns;
    if (patterns === undefined) return true;
    for (const { reading, text } of readPath(path, commonTraits(path, patterns))) {
      if (!patterns.some((each) => each.under(reading).covers(text))) return false;
    }
    return true;
  }
}

function patternOf(path: string): ReadPattern {
  return new ReadPattern(path === "/" ? "" : path);
}
