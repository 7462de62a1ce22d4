import type { Catalog } from "../catalog/catalog.ts";
import { ObjectNames } from "../policy/object-names.ts";

/** The names of everything that policies of some catalogs name; of the last where they differ. */
export function namesIn(...catalogs: readonly Catalog[]): ObjectNames {
  const names = new ObjectNames();
  for (const catalog of catalogs)
    names
      .add("application", catalog.applications)
      .add("group", catalog.groups.values())
      .add("list", catalog.lists.values())
      .add("identity_provider", catalog.identityProviders.values())
      .add("service_token", catalog.serviceTokenByClientId.values())
      .add(
        "policy",
        catalog.applications.flatMap(({ policies }) => policies),
      );
  return names;
}
