// What a change of the configuration does to who may use which application: who gains, who loses,
// or nobody. What cannot be worked out within bounds is said to be undecided, and never to be
// nobody.
import type { Catalog } from "../catalog/catalog.ts";
import type { Application } from "../model/model.ts";
import { type Area, areasOf } from "./areas.ts";
import {
  type AccessExample,
  comparePolicies,
  type PolicySide,
  TooLarge,
} from "./compare-policies.ts";
import { TooManyNodes } from "./decision-diagrams.ts";
import type { Surroundings } from "./identity-space.ts";
import { TooManyWords } from "./pattern-words.ts";

/** What becomes of one application, or of addresses that go from one to another. */
export interface ApplicationChange {
  /** undefined: the addresses were nobody's */
  before: Application | undefined;
  /** undefined: the addresses are nobody's any more */
  after: Application | undefined;
  gains: readonly AccessExample[];
  loses: readonly AccessExample[];
  /** whether it is not known that there is nobody else */
  isUndecided: boolean;
}

/** What a change does. */
export interface AccessComparison {
  /** applications for whom somebody gains or loses, or that are undecided */
  changes: readonly ApplicationChange[];
  /** how many others there are */
  unchanged: number;
  /** whether patterns overlap in so many ways that not every address was looked at */
  isUndecided: boolean;
}

/**
 * Compares two catalogs.
 * @param now milliseconds since the epoch: service tokens may be over
 */
export function compareAccess(before: Catalog, after: Catalog, now: number): AccessComparison {
  const { areas, isUndecided } = findAreas(before, after);
  const sides = { before: sideOf(before, now), after: sideOf(after, now) };
  const compared = areas.map((area) => compareArea(area, sides));
  const changes = compared.filter(
    ({ gains, loses, isUndecided: isOpen }) => gains.length > 0 || loses.length > 0 || isOpen,
  );
  return { changes, unchanged: compared.length - changes.length, isUndecided };
}

/** A catalog, without its policies. */
type Side = Omit<PolicySide, "policies"> & { providers: readonly string[] };

function sideOf(catalog: Catalog, now: number): Side {
  const tokens = [...catalog.serviceTokenByClientId.values()].filter(
    ({ enabled, expires_at = Number.POSITIVE_INFINITY }) => enabled && expires_at > now,
  );
  return {
    serviceTokens: new Set(tokens.map(({ id }) => id)),
    applications: new Set(catalog.applications.map(({ id }) => id)),
    providers: [...catalog.identityProviders.keys()],
  };
}

function findAreas(before: Catalog, after: Catalog): { areas: Area[]; isUndecided: boolean } {
  try {
    return { areas: areasOf(before, after), isUndecided: false };
  } catch (error) {
    if (!(error instanceof TooManyWords)) throw error;
    return { areas: [], isUndecided: true };
  }
}

function compareArea(area: Area, sides: { before: Side; after: Side }): ApplicationChange {
  const { before, after, urls } = area;
  if (isSame(area, sides)) return { before, after, gains: [], loses: [], isUndecided: false };
  const surroundings: Surroundings = {
    providers: union(sides.after.providers, sides.before.providers),
    serviceTokens: union(sides.after.serviceTokens, sides.before.serviceTokens),
    applications: union(sides.after.applications, sides.before.applications),
    urls,
  };
  try {
    const comparison = comparePolicies(
      { ...sides.before, policies: before?.policies ?? [] },
      { ...sides.after, policies: after?.policies ?? [] },
      surroundings,
    );
    return { before, after, ...comparison, isUndecided: false };
  } catch (error) {
    if (!isTooMuch(error)) throw error;
    return { before, after, gains: [], loses: [], isUndecided: true };
  }
}

/** Whether policies and all that they name are the same objects, which most are. */
function isSame({ before, after }: Area, sides: { before: Side; after: Side }): boolean {
  if (before === undefined || after === undefined) return false;
  if (!isSameSet(sides.before.serviceTokens, sides.after.serviceTokens)) return false;
  if (!isSameSet(sides.before.applications, sides.after.applications)) return false;
  if (before.policies.length !== after.policies.length) return false;
  return before.policies.every((policy, index) => policy === after.policies[index]);
}

function isSameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}

function union(one: Iterable<string>, other: Iterable<string>): string[] {
  return [...new Set([...one, ...other])];
}

/** Whether a comparison gave up because of its size. */
function isTooMuch(error: unknown): boolean {
  return (
    error instanceof TooManyNodes || error instanceof TooManyWords || error instanceof TooLarge
  );
}
