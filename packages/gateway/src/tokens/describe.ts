// Describes the application that guards a host, to anybody who asks (`cf-access-metadata`,
// wire-protocol 2 and 6.1). Signing costs, and wildcards cover hosts without end: there is a
// budget.
import { type MatchDescription, matchClaims } from "./claims.ts";
import { createMintCache, type IssuerDeps, issuanceOf } from "./issue.ts";
import { createRateLimit } from "./rate-limit.ts";

/** A description is made at most once in this time (wire-protocol 2), milliseconds. */
const life = 60 * 60_000;
/** How many signatures strangers can make us do. */
const budget = { perSecond: 50, burst: 200 };

/**
 * @returns a function that signs a description; undefined when too many were asked for just now
 */
export function createDescriber(
  deps: IssuerDeps,
): (description: MatchDescription) => string | undefined {
  // A cache of its own: what strangers ask for must not push out what programs live on.
  const descriptions = createMintCache(deps);
  const isWithinBudget = createRateLimit(deps.now, budget);

  return (description) =>
    descriptions.get(JSON.stringify(description), life, () => {
      if (!isWithinBudget()) return undefined;
      return deps.keys.sign(matchClaims(issuanceOf(deps), description));
    });
}
