// Where an application is (access-features 3.2). `domain`, `self_hosted_domains` and `destinations`
// say the same: `destinations` wins over `self_hosted_domains`, and `domain` is the primary one. A
// destination may have paths that are public, although the application is not.
import { parseExactPath } from "@postern/protocol";
import { z } from "zod";
import type { World } from "./kind.ts";
import type { FieldPath, Report } from "./problem.ts";
import { isMap } from "./read-value.ts";
import { applicationPattern, choice, patternFault, refuse, text } from "./values.ts";

const longestPublicPath = 500;
const mostPublicPaths = 100;

/** A path of its host that is public: exactly this one, and more where a wildcard says so. */
const publicPath = text((source) => {
  if (source.length > longestPublicPath)
    refuse(`is longer than ${longestPublicPath} characters; write fewer, or a wildcard`);
  try {
    return parseExactPath(source);
  } catch (error) {
    return refuse(patternFault(error));
  }
});

const override = z.strictObject({
  path_pattern: publicPath,
  behavior: z.literal("public", { error: 'is not supported; write "public"' }),
});

/** One of `destinations` that requests reach, as somebody writes it. */
export const destination = z.strictObject({
  type: z.literal("public").default("public"),
  uri: applicationPattern,
  overrides: z
    .array(override)
    .max(mostPublicPaths, { message: `has more than ${mostPublicPaths} entries` })
    .optional(),
});

/** Characters of JSON. */
const longestDestination = 10_000;

/** A destination of a type that means nothing here: a private network, a Worker. */
const otherDestination = z
  .looseObject({ type: z.string() })
  .refine((value) => JSON.stringify(value).length <= longestDestination, {
    message: "has more than can be kept",
  });

type OtherDestination = z.infer<typeof otherDestination>;
type Destination = z.infer<typeof destination>;

/** One of any type. */
export const anyDestination = choice<Destination | OtherDestination>((value) => {
  const type = isMap(value) ? value["type"] : undefined;
  return typeof type === "string" && type !== "public" ? otherDestination : destination;
});

/** Those of other types, as they are stored. */
export const storedDestinations = z.array(otherDestination);

/** The three fields, as somebody writes them. */
export interface DomainFields {
  domain?: string | undefined;
  self_hosted_domains?: readonly string[] | undefined;
  destinations?: readonly (Destination | OtherDestination)[] | undefined;
}

function isPublic(each: Destination | OtherDestination): each is Destination {
  return each.type === "public";
}

/** The public paths of each pattern that has any: pattern → path patterns. */
export const storedPublicPaths = z.record(z.string(), z.array(publicPath));

type PublicPaths = z.infer<typeof storedPublicPaths>;

interface Domain {
  text: string;
  at: FieldPath;
}

/** Every pattern once, the primary one first, and where it is written. */
function domainsIn({ domain, destinations, self_hosted_domains }: DomainFields): Domain[] {
  const primary = domain === undefined ? [] : [{ text: domain, at: ["domain"] }];
  const others = destinations?.flatMap((each, index): Domain[] =>
    isPublic(each) ? [{ text: each.uri, at: ["destinations", index, "uri"] }] : [],
  );
  const older = self_hosted_domains?.map((pattern, index) => ({
    text: pattern,
    at: ["self_hosted_domains", index],
  }));
  const domains = [...primary, ...(others ?? older ?? [])];
  return domains.filter(
    ({ text: own }, index) => domains.findIndex((other) => other.text === own) === index,
  );
}

/** The patterns, the primary one first. */
export function domainsOf(fields: DomainFields): string[] {
  return domainsIn(fields).map(({ text: pattern }) => pattern);
}

/** Undefined where nothing is public. */
export function publicPathsOf({ destinations = [] }: DomainFields): PublicPaths | undefined {
  const paths = new Map<string, string[]>();
  for (const { uri, overrides = [] } of destinations.filter(isPublic)) {
    if (overrides.length === 0) continue;
    const all = [...(paths.get(uri) ?? []), ...overrides.map((each) => each.path_pattern)];
    paths.set(uri, [...new Set(all)]);
  }
  return paths.size === 0 ? undefined : Object.fromEntries(paths);
}

/** The public paths of one pattern. A host may be called `constructor`. */
export function publicPathsAt(paths: PublicPaths | undefined, uri: string): readonly string[] {
  return paths !== undefined && Object.hasOwn(paths, uri) ? (paths[uri] ?? []) : [];
}

/** Those that no request reaches; undefined where there are none. */
export function otherDestinationsOf({
  destinations = [],
}: DomainFields): OtherDestination[] | undefined {
  const others = destinations.filter((each) => !isPublic(each));
  return others.length === 0 ? undefined : others;
}

/** What a stored application says of where it is. */
export interface StoredDomains {
  domains: readonly string[];
  public_paths?: PublicPaths | undefined;
  other_destinations?: readonly Record<string, unknown>[] | undefined;
}

/** The way back. */
export function toDestinations({
  domains,
  public_paths,
  other_destinations = [],
}: StoredDomains): Record<string, unknown>[] {
  const publicOnes = domains.map((uri) => {
    const overrides = publicPathsAt(public_paths, uri).map((path_pattern) => ({
      path_pattern,
      behavior: "public",
    }));
    return { type: "public", uri, ...(overrides.length === 0 ? {} : { overrides }) };
  });
  return [...publicOnes, ...other_destinations];
}

/** Reports domains that others have, and public paths that are hardly meant. */
export function checkDomains(fields: DomainFields, world: World, report: Report): void {
  const domains = domainsIn(fields);
  const others = otherDestinationsOf(fields) ?? [];
  if (domains.length === 0 && others.length === 0)
    report.problem([], "has no domain; write domain: app.example.com");
  fields.destinations?.forEach((each, index) => {
    if (!isPublic(each))
      report.warning(
        ["destinations", index, "type"],
        "means nothing in this gateway: the destination is kept, and no request reaches it",
      );
  });
  for (const { text: pattern, at } of domains) {
    const [host = ""] = pattern.split("/");
    if (world.ownHosts.has(host))
      report.problem(at, "is at the gateway's own host; give the application another", pattern);
    const owner = world.ownerOf(`domain ${pattern}`);
    if (owner !== undefined)
      report.problem(
        at,
        `is covered by ${owner} already; a host and path can belong to one`,
        pattern,
      );
  }
  checkPublicPaths(fields, report);
}

function checkPublicPaths({ destinations = [] }: DomainFields, report: Report): void {
  destinations.forEach((each, index) => {
    if (!isPublic(each)) return;
    const { uri, overrides = [] } = each;
    const path = uri.includes("/") ? uri.slice(uri.indexOf("/")) : "";
    overrides.forEach(({ path_pattern }, place) => {
      const at = ["destinations", index, "overrides", place, "path_pattern"];
      if (path_pattern === "/*")
        report.warning(at, "makes the whole destination public: nobody is asked to sign in");
      if (!mayMeet(path, path_pattern))
        report.warning(at, `is never asked for: it is a path of the host, and not below ${path}`);
    });
  });
}

/** Whether a path could fit both, by what stands before their first wildcards. */
function mayMeet(pattern: string, publicPattern: string): boolean {
  const [one = "", other = ""] = [pattern, publicPattern].map((each) => each.split("*", 1)[0]);
  return one.startsWith(other) || other.startsWith(one);
}
