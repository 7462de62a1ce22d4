// Applications (access-api 2.1, 3.1). `domain`, `self_hosted_domains` and `destinations` are one
// value in three forms: whichever was changed decides.
import { isDeepStrictEqual } from "node:util";
import type { Records } from "../../catalog/records.ts";
import { application, type StoredApplication } from "../../model/application.ts";
import { toDestinations } from "../../model/destinations.ts";
import type { Kind } from "../../model/kind.ts";
import { isOtherType } from "../../model/other-application.ts";
import { isMap } from "../../model/read-value.ts";
import { isEmptyList } from "../../model/values.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Failure, fail } from "../route.ts";
import {
  byName,
  bySearch,
  type ListFilter,
  type NarrowChange,
  type ObjectResource,
  type WritePlace,
} from "./object-resource.ts";
import { linksIn } from "./policies.ts";
import { readEntries, showEntries } from "./policy-entries.ts";

/** `domain`: any of them. */
const byDomain: ListFilter = (shown, value, isExact) => {
  const domains = shown["self_hosted_domains"];
  return (
    Array.isArray(domains) && domains.some((domain) => byName({ name: domain }, value, isExact))
  );
};

const byAud: ListFilter = (shown, value) => shown["aud"] === value;

/** The resource. */
export function applicationsOf({ randomBytes }: AdminParts): ObjectResource {
  return {
    kind: application as unknown as Kind,
    path: "/access/apps",
    area: "apps",
    deleted: 202,
    readOnly: [],
    filters: { name: byName, domain: byDomain, aud: byAud, search: bySearch },
    prepare(body, place) {
      const standing = place.standing?.object as StoredApplication | undefined;
      const fields = isOtherType(body) ? body : withDomains(body, standing);
      const aud = audOf(body, place) ?? randomBytes(32).toString("hex");
      return { ...fields, aud, policies: policiesOf(body, place, randomBytes) };
    },
    show: (record, records) => ({
      uid: record.object.id,
      policies: showEntries(record, records),
    }),
    isNarrow: true,
    refuseNarrow: refuseReachOfOthers,
    isVisible: ({ object }, applications) => applications.includes(object.id),
  };
}

/** It never changes. [ext] A new application may bring one that no other has. */
function audOf(body: Record<string, unknown>, { standing, records }: WritePlace): unknown {
  if (standing !== undefined) return standing.object.aud;
  const { aud } = body;
  return isTaken(aud, records) ? undefined : aud;
}

function isTaken(aud: unknown, records: Records): boolean {
  return [...records.values()].some(({ object }) => object.aud === aud);
}

/** Without `policies`, or with null, they stay as they are (access-api 1.4). */
function policiesOf(
  { policies }: Record<string, unknown>,
  { standing, records }: WritePlace,
  randomBytes: AdminParts["randomBytes"],
): unknown {
  if (policies !== undefined && policies !== null)
    return readEntries(policies, records, randomBytes);
  if (standing === undefined) return [];
  return application.toInput(standing.object as StoredApplication)["policies"];
}

/** The fields with one form of the domains left: the one that says something else than before. */
function withDomains(
  body: Record<string, unknown>,
  standing: StoredApplication | undefined,
): Record<string, unknown> {
  const { domain, destinations, self_hosted_domains, ...fields } = body;
  const stored = standing ?? { domains: [] };
  const before = stored.domains;
  const isNew = (value: unknown, old: unknown) =>
    value !== undefined && value !== null && !isDeepStrictEqual(value, old);
  const isOldPrimary = standing !== undefined && domain === before[0];

  if (isNew(withTypes(destinations), toDestinations(stored))) {
    const primary = isOldPrimary ? undefined : domain;
    return { ...fields, destinations, domain: primary };
  }
  // What stays where it was stays as public as it was.
  const saysMore = standing?.public_paths ?? standing?.other_destinations;
  const others = (domains: unknown) =>
    saysMore !== undefined && areTexts(domains)
      ? { destinations: toDestinations({ ...stored, domains }) }
      : { self_hosted_domains: domains };
  if (isNew(self_hosted_domains, before)) {
    const primary = isOldPrimary ? undefined : domain;
    return { ...fields, ...others(self_hosted_domains), domain: primary };
  }
  if (!isNew(domain, before[0])) return { ...fields, ...others(before) };
  return { ...fields, domain, ...others(before.slice(1)) };
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

/** Destinations with the type that they have where they say none, and without what says nothing. */
function withTypes(destinations: unknown): unknown {
  if (!Array.isArray(destinations)) return destinations;
  return destinations.map((each) => {
    if (!isMap(each)) return each;
    const { overrides, ...rest } = each;
    const isNone = overrides === undefined || overrides === null || isEmptyList(overrides);
    return { type: "public", ...rest, ...(isNone ? {} : { overrides }) };
  });
}

/** Fields by which an application can cover what its origin takes for a path of another one. */
const pathFields = ["allow_encoded_slashes", "double_slashes"] as const;

/**
 * An application covers what its domains say: with one more, whoever administers it would decide
 * who reaches what another application guards. A reusable policy is shown with its link.
 */
function refuseReachOfOthers({
  before,
  after,
  applications,
  records,
}: NarrowChange): Failure | undefined {
  const [old, changed] = [before.object, after.object] as [StoredApplication, StoredApplication];
  const isOwn = (domain: string) => old.domains.includes(domain);
  if (!changed.domains.every(isOwn))
    return fail("not_permitted", `${narrow} cannot give it another domain.`, "/domain");
  const field = pathFields.find((name) => changed[name] !== old[name]);
  if (field !== undefined)
    return fail("not_permitted", `${narrow} cannot change ${field}.`, `/${field}`);
  const known = new Set(linksIn(records, (id) => applications.includes(id)));
  const links = changed.policies.filter((entry) => !("decision" in entry));
  if (!links.every(({ id }) => known.has(id)))
    return fail("not_permitted", `${narrow} cannot link to other policies.`, "/policies");
  return undefined;
}

const narrow = "A token for some applications";
