// Describes the application that guards a host, to anybody who asks (`cf-access-metadata`,
// wire-protocol 2 and 6.1). Signing costs, and wildcards cover hosts without end: there is a
// budget for each network, so that a flood costs others nothing.
import { NetworkBudget, type NetworkRates } from "../network-budget.ts";
import { type MatchDescription, matchClaims } from "./claims.ts";
import { createMintCache, type IssuerDeps, issuanceOf } from "./issue.ts";

/** A description is made at most once in this time (wire-protocol 2), milliseconds. */
const life = 60 * 60_000;
/** How many signatures strangers can make us do. */
const rates: NetworkRates = {
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
): (description: MatchDescription, network: string) => Promise<string | undefined> {
  // A cache of its own: what strangers ask for must not push out what programs live on.
  const descriptions = createMintCache(deps);
  const budget = new NetworkBudget(deps.elapsed, rates);

  return async (description, network) =>
    descriptions.get(JSON.stringify(description), life, () => {
      if (!budget.take(network)) return undefined;
      return deps.keys.sign(matchClaims(issuanceOf(deps), description));
    });
}
