// Where an application is (access-features 3.2). `domain`, `self_hosted_domains` and `destinations`
// say the same: `destinations` wins over `self_hosted_domains`, and `domain` is the primary one. A
// destination may have paths that are public, although the application is not.
import { parseExactPath } from "@postern/protocol";
import { z } from "zod";
import type { World } from "./kind.ts";
import type { FieldPath, Report } from "./problem.ts";
import { applicationPattern, patternFault, refuse, text } from "./values.ts";

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

/** One of `destinations`, as somebody writes it. */
export const destination = z.strictObject({
  type: z.literal("public", { error: 'is not supported yet; write "public"' }).default("public"),
  uri: applicationPattern,
  overrides: z
    .array(override)
    .max(mostPublicPaths, { message: `has more than ${mostPublicPaths} entries` })
    .optional(),
});

/** The three fields, as somebody writes them. */
export interface DomainFields {
  domain?: string | undefined;
  self_hosted_domains?: readonly string[] | undefined;
  destinations?: readonly z.infer<typeof destination>[] | undefined;
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
  const others = destinations?.map(({ uri }, index) => ({
    text: uri,
    at: ["destinations", index, "uri"],
  }));
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
  const paths: PublicPaths = {};
  for (const { uri, overrides = [] } of destinations) {
    if (overrides.length === 0) continue;
    const all = [...(paths[uri] ?? []), ...overrides.map((each) => each.path_pattern)];
    paths[uri] = [...new Set(all)];
  }
  return Object.keys(paths).length === 0 ? undefined : paths;
}

/** The way back. */
export function toDestinations(
  domains: readonly string[],
  publicPaths: PublicPaths = {},
): Record<string, unknown>[] {
  return domains.map((uri) => {
    const overrides = (publicPaths[uri] ?? []).map((path_pattern) => ({
      path_pattern,
      behavior: "public",
    }));
    return { type: "public", uri, ...(overrides.length === 0 ? {} : { overrides }) };
  });
}

/** Reports domains that others have, and public paths that are hardly meant. */
export function checkDomains(fields: DomainFields, world: World, report: Report): void {
  const domains = domainsIn(fields);
  if (domains.length === 0) report.problem([], "has no domain; write domain: app.example.com");
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
  destinations.forEach(({ uri, overrides = [] }, index) => {
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
