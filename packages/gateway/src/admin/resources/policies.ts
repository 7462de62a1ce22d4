// Reusable policies (access-api 2.2): those that applications link to.
import type { Records } from "../../catalog/records.ts";
import { application, type StoredApplication } from "../../model/application.ts";
import type { Kind } from "../../model/kind.ts";
import { policy } from "../../model/policy.ts";
import { byName, bySearch, type ObjectResource } from "./object-resource.ts";
import { readOnlyOfPolicy, readOwnPolicy } from "./policy-entries.ts";

/** The resource. */
export function policiesOf(): ObjectResource {
  const counts = new LinkCounts();
  return {
    kind: policy as Kind,
    path: "/access/policies",
    area: "apps",
    deleted: 202,
    readOnly: [...readOnlyOfPolicy, "precedence"],
    filters: { name: byName, search: bySearch },
    prepare: readOwnPolicy,
    show: ({ object }, records) => ({
      reusable: true,
      app_count: counts.of(object.id, records),
    }),
    isVisible: ({ object }, applications, records) =>
      linksIn(records, (id) => applications.includes(id)).includes(object.id),
  };
}

/** The ids of the policies that applications link to, once for each link. */
export function linksIn(records: Records, isMeant: (id: string) => boolean = () => true): string[] {
  const applications = [...records.values()].filter(({ kind }) => kind === application.name);
  return applications
    .map(({ object }) => object as StoredApplication)
    .filter(({ id }) => isMeant(id))
    .flatMap(({ policies }) => policies.flatMap((entry) => ("decision" in entry ? [] : entry.id)));
}

/** How many applications link to each policy: counted once for all that are shown together. */
class LinkCounts {
  #records: Records | undefined;
  #counts = new Map<string, number>();

  of(id: string, records: Records): number {
    if (this.#records !== records) this.#count(records);
    return this.#counts.get(id) ?? 0;
  }

  #count(records: Records): void {
    this.#records = records;
    this.#counts = new Map();
    for (const id of linksIn(records)) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }
}
