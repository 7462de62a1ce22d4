// Where a change may matter: for each application before and after, the addresses that belong to
// both, one for each way in which hosts and paths of applications and rules can overlap. What
// belonged to one application and belongs to another is an area of its own. An address that origins
// could read as another application's belongs to nobody, for it is refused (ADR 0013).
import type { Catalog } from "../catalog/catalog.ts";
import { choosePath } from "../catalog/path-choice.ts";
import type { Application } from "../model/model.ts";
import { resolveMerged } from "../path-readings.ts";
import { atomsOf } from "../policy/atoms-of.ts";
import { urlText } from "./member-subject.ts";
import {
  lettersOf,
  type PatternPart,
  TooManyWords,
  type WordRules,
  wordsOf,
} from "./pattern-words.ts";
import { spellingsOf } from "./spellings.ts";

/**
 * Whose an address is. `refused`: origins could read it as another application's as well, so that
 * nobody gets there; undefined: it is nobody's.
 */
export type Owner = Application | "refused" | undefined;

/** Addresses of one owner before, and of one after. */
export interface Area {
  before: Owner;
  after: Owner;
  /** of `urlText` */
  urls: string[];
}

const hostRules: WordRules = {
  start: "",
  separator: ".",
  others: "xyzkqw0",
  limit: 200_000,
  endOf: (word) => word.slice(-1),
  mayFollow: (end, letter) => letter !== "." || (end !== "." && end !== ""),
  isWhole: (end) => end !== "." && end !== "",
};

/** No dot segment stands in a canonical path. */
const pathRules: WordRules = {
  start: "/",
  separator: "/",
  others: "xyzkqwv0",
  limit: 20_000,
  endOf: (word) => /\/\.{0,2}$/.exec(word)?.[0] ?? "",
  mayFollow: (end, letter) => letter !== "/" || end === "",
  isWhole: (end) => end === "" || end === "/",
};

/** All areas of two catalogs. */
export interface Areas {
  areas: readonly Area[];
  /** where patterns overlap in too many ways: hosts, or `*` for those that only wildcards name */
  undecidedHosts: readonly string[];
}

/** Every area of two catalogs. */
export function areasOf(before: Catalog, after: Catalog): Areas {
  const areas = new Map<Owner, Map<Owner, Area>>();
  const { hosts, undecidedHosts } = hostsOf(before, after);
  for (const host of hosts) {
    const paths = unlessTooMany(() => pathsOf(host, before, after));
    if (paths === undefined) undecidedHosts.push(host);
    for (const path of paths ?? ["/"]) {
      const [old, recent] = [placeOf(before, host, path), placeOf(after, host, path)];
      if (!isApplication(old.owner) && !isApplication(recent.owner)) continue;
      const ofOld = areas.get(old.owner) ?? new Map<Owner, Area>();
      areas.set(old.owner, ofOld);
      const area = ofOld.get(recent.owner) ?? newArea(old.owner, recent.owner);
      ofOld.set(recent.owner, area);
      area.urls.push(urlText(host, old.path, recent.path));
    }
  }
  return { areas: [...areas.values()].flatMap((ofOld) => [...ofOld.values()]), undecidedHosts };
}

/** @returns undefined where patterns overlap in too many ways */
function unlessTooMany<Words>(find: () => Words): Words | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof TooManyWords) return undefined;
    throw error;
  }
}

function newArea(before: Owner, after: Owner): Area {
  return { before, after, urls: [] };
}

/** Whether an address is an application's. */
export function isApplication(owner: Owner): owner is Application {
  return owner !== undefined && owner !== "refused";
}

/** Whose an address is, and the path that policies see. */
function placeOf(catalog: Catalog, host: string, sent: string): { owner: Owner; path: string } {
  const merged = resolveMerged(sent);
  const withItsSlashes = merged === sent ? undefined : sent;
  const choice = choosePath(catalog, host, { path: merged, withItsSlashes });
  if (choice === undefined) return { owner: "refused", path: merged };
  const { path, match } = choice;
  if (match === undefined) return { owner: undefined, path };
  const { application } = match;
  const isForbidden = path.includes("%2F") && !application.allow_encoded_slashes;
  return { owner: isForbidden ? "refused" : application, path };
}

/** Each host that an application names, and one for each way in which wildcards overlap. */
function hostsOf(before: Catalog, after: Catalog): { hosts: string[]; undecidedHosts: string[] } {
  const patterns = [...before.patterns, ...after.patterns].map(({ pattern }) => pattern);
  const exact = new Set(patterns.filter((each) => !each.hostHasWildcard).map(({ host }) => host));
  const wild = patterns.filter((each) => each.hostHasWildcard);
  // A host of its own says nothing of the others that the same wildcards cover.
  const covered = [...exact].filter((host) => wild.some((each) => each.matchesHost(host)));
  const named = new Set([...wild.map(({ host }) => host), ...covered]);
  const words = unlessTooMany(() => wordsOf([...named].map(hostParts), hostRules));
  const hosts = [...new Set([...exact, ...(words ?? [])])];
  return { hosts, undecidedHosts: words === undefined ? ["*"] : [] };
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
function pathsOf(host: string, before: Catalog, after: Catalog): Iterable<string> {
  const patterns = new Set<string>();
  for (const catalog of [before, after]) {
    for (const { pathPattern } of catalog.ingress.covering(host)) patterns.add(pathPattern);
    for (const { pattern, application, publicPaths } of catalog.hosts.patternsFor(host)) {
      patterns.add(pattern.path);
      for (const { match } of publicPaths) patterns.add(match.application.publicPath ?? "");
      for (const path of pathRulesOf(application)) patterns.add(path === "/" ? "" : path);
    }
  }
  // Every path of the host is alike, but that encoded slashes may be refused.
  if ([...patterns].every((pattern) => pattern === "")) return ["/", "/a%2Fb"];
  return spellingsOf(wordsOf([...patterns].flatMap(pathParts), pathRules));
}

function pathRulesOf({ policies }: Application): string[] {
  return policies
    .flatMap(({ rules }) => atomsOf(rules))
    .flatMap((atom) => (atom.of === "path" ? atom.patterns : []));
}

/**
 * What a pattern covers: its own path, and what lies below it; and the same where case is
 * forgotten. The letters of an escape have one case.
 */
function pathParts(path: string): PatternPart[][] {
  const run: PatternPart = { any: "run", except: undefined };
  const pieces = path.split("*").map(lettersOf);
  const own = pieces.flatMap((piece, place) => (place === 0 ? piece : [run, ...piece]));
  const forms = path.includes("%") ? [own] : [own, own.map(inAnyCase)];
  return forms.flatMap((form) => [form, [...form, ...lettersOf("/"), run]]);
}

function inAnyCase(part: PatternPart): PatternPart {
  return "letter" in part ? { ...part, isAnyCase: true } : part;
}
