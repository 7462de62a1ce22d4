// What a catalog in force was made from, and how one is told from the next.
import { isDeepStrictEqual } from "node:util";
import { type KnownConfig, nothingKnown } from "../config/config-update.ts";
import type { ObjectKey } from "../storage/store.ts";
import type { Catalog } from "./catalog.ts";
import type { CatalogContent } from "./catalog-builder.ts";
import type { CatalogFrame } from "./changing-catalog.ts";
import { inOrder, objectKeyOf, type Records } from "./records.ts";

/** What a catalog is made from, and how it is told from the next. */
export interface State {
  content: CatalogContent;
  records: Records;
  /** keys of the last file's objects */
  order: readonly string[];
  /** what the last file said, of objects that still are what it said */
  knownConfig: KnownConfig;
}

/** A state, and the catalog of it. */
export interface InForce extends State {
  catalog: Catalog;
}

type KnownState = Pick<State, "records" | "knownConfig">;

const nothing: KnownState = { knownConfig: nothingKnown, records: new Map() };

/** The state of other objects in the same frame. @param before what is in force, if anything is */
export function stateOf(
  records: Records,
  { order, ...rest }: CatalogFrame,
  before: KnownState = nothing,
): State {
  const known = [...before.knownConfig.objects];
  const stillKnown = known.filter(([key]) => records.get(key) === before.records.get(key));
  return {
    content: { ...rest, objects: inOrder(records, order) },
    records,
    order,
    knownConfig: { ...before.knownConfig, objects: new Map(stillKnown) },
  };
}

/** What a catalog is made from besides the objects of the store. */
export function frameOf({ content, order }: State): CatalogFrame {
  return { settings: settingsOf(content), ingress: content.ingress, order };
}

/** The objects that were added, changed or removed. Unchanged records are the same ones. */
export function changedKeys(earlier: Records, later: Records): ObjectKey[] {
  const present = [...later].filter(([key, record]) => earlier.get(key) !== record);
  const removed = [...earlier].filter(([key]) => !later.has(key));
  return [...present, ...removed].map(([, record]) => objectKeyOf(record));
}

/** Whether two catalogs would say the same. Unchanged objects are the same ones. */
export function isSameContent(one: CatalogContent, other: CatalogContent): boolean {
  return (
    one.objects.length === other.objects.length &&
    one.objects.every((object, index) => object === other.objects[index]) &&
    isDeepStrictEqual(settingsOf(one), settingsOf(other)) &&
    isDeepStrictEqual(one.ingress, other.ingress)
  );
}

function settingsOf({ settings }: CatalogContent): CatalogContent["settings"] {
  const { issuer, auth_domain, team_host, relay_hosts } = settings;
  return { issuer, auth_domain, team_host, relay_hosts };
}
