// Where a change may matter: for each application before and after, the addresses that belong to
// both, one for each way in which hosts and paths of applications and rules can overlap. What
// belonged to one application and belongs to another is an area of its own.
import type { Catalog } from "../catalog/catalog.ts";
import { matchApplication } from "../catalog/match-application.ts";
import type { Application } from "../model/model.ts";
import { atomsOf } from "../policy/atoms-of.ts";
import { lettersOf, type PatternPart, wordsOf } from "./pattern-words.ts";

/** Addresses of one application before, and of one after. */
export interface Area {
  before: Application | undefined;
  after: Application | undefined;
  /** `host/path` */
  urls: string[];
}

const hostStates = 200_000;
const pathStates = 20_000;

/**
 * Every area of two catalogs.
 * @throws {TooManyWords} when patterns overlap in too many ways
 */
export function areasOf(before: Catalog, after: Catalog): Area[] {
  const areas = new Map<Application | undefined, Map<Application | undefined, Area>>();
  for (const host of hostsOf(before, after)) {
    for (const path of pathsOf(host, before, after)) {
      const old = matchApplication(before, host, path)?.application;
      const recent = matchApplication(after, host, path)?.application;
      if (old === undefined && recent === undefined) continue;
      const ofOld = areas.get(old) ?? new Map<Application | undefined, Area>();
      areas.set(old, ofOld);
      const area = ofOld.get(recent) ?? { before: old, after: recent, urls: [] };
      ofOld.set(recent, area);
      area.urls.push(host + path);
    }
  }
  return [...areas.values()].flatMap((ofOld) => [...ofOld.values()]);
}

/** Each host that an application names, and one for each way in which wildcards overlap. */
function hostsOf(before: Catalog, after: Catalog): string[] {
  const patterns = [...before.patterns, ...after.patterns].map(({ pattern }) => pattern);
  const exact = new Set(patterns.filter((each) => !each.hostHasWildcard).map(({ host }) => host));
  const wild = patterns.filter((each) => each.hostHasWildcard);
  // A host of its own says nothing of the others that the same wildcards cover.
  const covered = [...exact].filter((host) => wild.some((each) => each.matchesHost(host)));
  const words = wordsOf(
    [...new Set([...wild.map(({ host }) => host), ...covered])].map(hostParts),
    {
      start: "",
      single: ".",
      others: "xyzkqw0",
      limit: hostStates,
    },
  );
  return [...new Set([...exact, ...words.filter((word) => word !== "")])];
}

/** A lone `*` is one whole label, another one any part of a label. */
function hostParts(host: string): PatternPart[] {
  const run: PatternPart = { any: "run", except: "." };
  return host.split(".").flatMap((label, index): PatternPart[] => {
    const dot = index === 0 ? [] : lettersOf(".");
    if (label === "*") return [...dot, { any: "one", except: "." }, run];
    const pieces = label.split("*").map(lettersOf);
    return [...dot, ...pieces.flatMap((piece, place) => (place === 0 ? piece : [run, ...piece]))];
  });
}

/** Paths of a host: one for each way in which patterns overlap, and its other spellings. */
function pathsOf(host: string, before: Catalog, after: Catalog): string[] {
  const patterns = new Set<string>();
  for (const catalog of [before, after]) {
    for (const { pattern, application, publicPaths } of catalog.hosts.patternsFor(host)) {
      patterns.add(pattern.path);
      for (const path of pathRulesOf(application)) patterns.add(path);
      for (const { match } of publicPaths) patterns.add(match.application.publicPath ?? "");
    }
  }
  const parts = [...patterns].flatMap(pathParts);
  const rules = { start: "/", single: "/", others: "xyzkqwv0", limit: pathStates };
  return wordsOf(parts, rules).flatMap(spellingsOf);
}

function pathRulesOf({ policies }: Application): string[] {
  return policies
    .flatMap(({ rules }) => atomsOf(rules))
    .flatMap((atom) => (atom.of === "path" ? atom.patterns : []));
}

/** What a pattern covers: its own path, and what lies below it. */
function pathParts(path: string): PatternPart[][] {
  const run: PatternPart = { any: "run", except: undefined };
  const pieces = path.split("*").map(lettersOf);
  const own = pieces.flatMap((piece, place) => (place === 0 ? piece : [run, ...piece]));
  return [own, [...own, ...lettersOf("/"), run]];
}

/** A path, and what some origins take for it: they forget case, parameters or dots. */
function spellingsOf(path: string): string[] {
  const last = path.at(-1) === "/" ? [] : [`${path}.`, `${path};x`];
  const capitals = path.toUpperCase();
  return capitals === path ? [path, ...last] : [path, capitals, ...last];
}
