// The public paths of an application (access-features 3.2). One is a part of the application that
// has one policy, which lets in everybody; whatever asks for the application of a request gets that
// part, and so decisions, explanations and comparisons need no more. It has a path only where every
// way to read it leads there (ADR 0013): what could be read as another path is not public.
import { compileExactPath } from "@postern/protocol";
import { publicPathsAt } from "../model/destinations.ts";
import type { Application, CompiledPolicy, Policy } from "../model/model.ts";
import { publicPathPolicy } from "../model/public-path-policy.ts";
import { namesNothing } from "../model/rules/atom.ts";
import { isUnplain, readPath } from "../path-readings.ts";
import { commonTraits, ReadPattern } from "../read-pattern.ts";
import type { ApplicationMatch, CatalogPattern, HostPatterns, PublicPath } from "./host-index.ts";

/** The public paths that one pattern of an application has, and what a request for them gets. */
export function compilePublicPaths(
  application: Application,
  domain: string,
  compile: (policy: Policy) => CompiledPolicy,
): PublicPath[] {
  return publicPathsAt(application.public_paths, domain).map((path) => ({
    covers: compileExactPath(path),
    readPattern: new ReadPattern(path, { isExact: true }),
    isPlain: !isUnplain(path),
    match: { application: publicPart(application, path, compile), pattern: domain },
  }));
}

function publicPart(
  application: Application,
  path: string,
  compile: (policy: Policy) => CompiledPolicy,
): Application {
  return {
    ...application,
    publicPath: path,
    policies: [compile(publicPathPolicy(application, path))],
    names: namesNothing,
    linkedApplications: [],
  };
}

/**
 * The public path that a request is for.
 * @param own the pattern that covers the path
 * @param path canonical
 */
export function findPublicPath(
  host: HostPatterns,
  own: CatalogPattern,
  path: string,
): ApplicationMatch | undefined {
  const found = own.publicPaths.find((each) => each.covers(path));
  if (found === undefined) return undefined;
  const isOneThing = !isUnplain(path) && !path.includes("//");
  const isPlain = found.isPlain && host.isPlain && isOneThing;
  return isPlain || isPublicInEveryReading(host, own, path) ? found.match : undefined;
}

/** Where the application that an origin finds is another one, its public paths do not count. */
function isPublicInEveryReading(host: HostPatterns, own: CatalogPattern, path: string): boolean {
  const all = host.patterns.flatMap(({ readPattern, publicPaths }) => [
    readPattern,
    ...publicPaths.map((each) => each.readPattern),
  ]);
  for (const { reading, text } of readPath(path, commonTraits(path, all))) {
    const first = host.patterns.find((each) => each.readPattern.under(reading).covers(text));
    if (first?.application !== own.application) return false;
    if (!first.publicPaths.some((each) => each.readPattern.under(reading).covers(text)))
      return false;
  }
  return true;
}
