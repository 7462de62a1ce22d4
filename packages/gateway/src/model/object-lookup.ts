import { claimsIn } from "./identity-provider.ts";
import type { World } from "./kind.ts";
import { list } from "./list.ts";
import type { ObjectLookup } from "./rules/rule.ts";

/** What rules can ask of the objects that they are checked beside. */
export function objectsIn(world: World): ObjectLookup {
  return {
    claimsOf: (providerId) => claimsIn(world, providerId),
    listType: (listId) => world.find(list, listId)?.type,
    knowsCountries: world.knowsCountries,
  };
}
