// What a change of the configuration does to who may use which application: who gains, who loses,
// or nobody. What cannot be worked out within bounds is said to be undecided, and never to be
// nobody.
import type { Catalog } from "../catalog/catalog.ts";
import type { CompiledPolicy } from "../model/model.ts";
import { type Area, areasOf, isApplication, type Owner } from "./areas.ts";
import {
  type AccessExample,
  comparePolicies,
  type PolicySide,
  TooLarge,
} from "./compare-policies.ts";
import { TooManyNodes } from "./decision-diagrams.ts";
import type { Surroundings } from "./identity-space.ts";
import { addressIn } from "./member-subject.ts";
import { TooManyWords } from "./pattern-words.ts";

/** What becomes of one application, or of addresses that go from one to another. */
export interface ApplicationChange {
  before: Owner;
  after: Owner;
  /** one of the addresses, `host/path` */
  url: string;
  gains: readonly AccessExample[];
  loses: readonly AccessExample[];
  /** whether it is not known that there is nobody else */
  isUndecided: boolean;
}

/** What a change does. */
export interface AccessComparison {
  /** applications for whom somebody gains or loses, or that are undecided */
  changes: readonly ApplicationChange[];
  /** how many other applications there are */
  unchanged: number;
  /** hosts of which not every path was looked at; `*` for those that only wildcards name */
  undecidedHosts: readonly string[];
}

/**
 * Compares two catalogs.
 * @param now milliseconds since the epoch: service tokens may be over
 */
export function compareAccess(before: Catalog, after: Catalog, now: number): AccessComparison {
  const { areas, undecidedHosts } = areasOf(before, after);
  const sides = { before: sideOf(before, now), after: sideOf(after, now) };
  const compared = areas.map((area) => compareArea(area, sides));
  const changes = compared.filter(
    ({ gains, loses, isUndecided }) => gains.length > 0 || loses.length > 0 || isUndecided,
  );
  const changed = new Set(changes.flatMap((change) => [change.before, change.after]).map(idOf));
  const all = new Set([...before.applications, ...after.applications].map(idOf));
  return { changes, unchanged: [...all].filter((id) => !changed.has(id)).length, undecidedHosts };
}

function idOf(owner: Owner): string | undefined {
  return isApplication(owner) ? owner.id : undefined;
}

/** A catalog, without its policies. */
type Side = Omit<PolicySide, "policies">;

function sideOf(catalog: Catalog, now: number): Side {
  const tokens = [...catalog.serviceTokenByClientId.values()].filter(
    ({ enabled, expires_at = Number.POSITIVE_INFINITY }) => enabled && expires_at > now,
  );
  return {
    serviceTokens: new Set(tokens.map(({ id }) => id)),
    applications: new Set(catalog.applications.map(({ id }) => id)),
    providers: new Set(catalog.identityProviders.keys()),
  };
}

function compareArea(area: Area, sides: { before: Side; after: Side }): ApplicationChange {
  const { before, after, urls } = area;
  const url = addressIn(urls[0] ?? "");
  const nobody = { before, after, url, gains: [], loses: [], isUndecided: false };
  if (isSame(area, sides)) return nobody;
  const surroundings: Surroundings = {
    providers: union(sides.after.providers, sides.before.providers),
    serviceTokens: union(sides.after.serviceTokens, sides.before.serviceTokens),
    applications: union(sides.after.applications, sides.before.applications),
    urls,
  };
  try {
    const comparison = comparePolicies(
      { ...sides.before, policies: policiesOf(before) },
      { ...sides.after, policies: policiesOf(after) },
      surroundings,
    );
    return { ...nobody, ...comparison };
  } catch (error) {
    if (!isTooMuch(error)) throw error;
    return { ...nobody, isUndecided: true };
  }
}

function policiesOf(owner: Owner): readonly CompiledPolicy[] {
  return isApplication(owner) ? owner.policies : [];
}

const proofs = ["serviceTokens", "applications", "providers"] as const;

/** Whether policies and all that they name are the same objects, which most are. */
function isSame({ before, after }: Area, sides: { before: Side; after: Side }): boolean {
  if (!isApplication(before) || !isApplication(after)) return false;
  if (!proofs.every((each) => isSameSet(sides.before[each], sides.after[each]))) return false;
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
