// Describes the application that guards a host, to anybody who asks (`cf-access-metadata`,
// wire-protocol 2 and 6.1). Signing costs, and wildcards cover hosts without end: there is a
// budget for each network, so that a flood costs others nothing.
import type { NetworkRates } from "../network-budget.ts";
import type { StrangerLimits } from "../stranger-limits.ts";
import { type MatchDescription, matchClaims } from "./claims.ts";
import { createMintCache, type IssuerDeps, issuanceOf } from "./issue.ts";

/** A description is made at most once in this time (wire-protocol 2), milliseconds. */
const life = 60 * 60_000;
/** How many signatures strangers can make us do. */
export const descriptionRates: NetworkRates = {
  perNetwork: { burst: 50, perSecond: 5 },
  inAll: { burst: 150, perSecond: 40 },
  reserve: { burst: 50, perSecond: 10 },
};

/**
 * Makes the function that signs a description for a client of a network. Its result is undefined
 * when that network, or all together, asked for too many new ones just now.
 */
export function createDescriber(
  deps: IssuerDeps,
  limits: Pick<StrangerLimits, "take">,
): (description: MatchDescription, network: string) => Promise<string | undefined> {
  // A cache of its own: what strangers ask for must not push out what programs live on.
  const descriptions = createMintCache(deps);

  return async (description, network) => {
    const key = JSON.stringify(description);
    const cached = descriptions.find(key, life);
    if (cached !== undefined) return cached;
    const answer = limits.take("descriptions", network);
    // Without a pause where there is none: who asks together causes one signature and one count.
    const isAllowed = typeof answer === "boolean" ? answer : await answer;
    if (!isAllowed) return undefined;
    return descriptions.get(key, life, () =>
      deps.keys.sign(matchClaims(issuanceOf(deps), description)),
    );
  };
}
