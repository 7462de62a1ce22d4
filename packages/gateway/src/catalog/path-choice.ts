// Which of its forms a request's path is taken in, and whose it is (ADR 0013): the origin gets a
// path only where every way to read it leads to the same application and the same service.
import { reservedPrefix } from "@postern/protocol";
import { isUnplain, type PathReading, readPath } from "../path-readings.ts";
import { commonTraits } from "../read-pattern.ts";
import type { Catalog } from "./catalog.ts";
import { chooseService, serviceUnder } from "./choose-service.ts";
import type { CatalogPattern } from "./host-index.ts";
import { type ApplicationMatch, matchApplication } from "./match-application.ts";

/** A path that means one thing, and the application that has it. */
export interface PathChoice {
  path: string;
  match: ApplicationMatch | undefined;
}

/** The forms of one path. */
export interface PathForms {
  /** canonical, with every run of slashes merged */
  path: string;
  /** canonical, with runs of slashes as they were sent; undefined where there are none */
  withItsSlashes: string | undefined;
}

/** Whether only one form and one reading are there to choose from, as for most requests. */
export function isPlainRequest(catalog: Catalog, host: string, forms: PathForms): boolean {
  if (forms.withItsSlashes !== undefined || isUnplain(forms.path)) return false;
  return catalog.hosts.find(host).isPlain;
}

/**
 * Chooses the form that the origin gets.
 * @param host lower-case, no port
 * @returns undefined when origins could read either form as another application's
 */
export function choosePath(
  catalog: Catalog,
  host: string,
  forms: PathForms,
): PathChoice | undefined {
  const { path, withItsSlashes } = forms;
  const match = matchApplication(catalog, host, path);

  // 1. As it was sent, where that makes no difference to anybody.
  if (withItsSlashes !== undefined && !isReserved(withItsSlashes)) {
    const sentMatch = matchApplication(catalog, host, withItsSlashes);
    const slashes = slashesOf(sentMatch, match);
    const choice = { path: withItsSlashes, match: sentMatch };
    if (slashes !== "merge" && agrees(catalog, host, choice, slashes)) return choice;
  }

  // 2. Else with its slashes merged, so that nothing is left to merge.
  const choice = { path, match };
  return agrees(catalog, host, choice, undefined) ? choice : undefined;
}

type Slashes = ApplicationMatch["application"]["double_slashes"];

/** What the applications say of runs of slashes; `keep` counts where both say so. */
function slashesOf(
  sentMatch: ApplicationMatch | undefined,
  mergedMatch: ApplicationMatch | undefined,
): Slashes {
  if (sentMatch === undefined) return "merge";
  const slashes = sentMatch.application.double_slashes;
  const isAgreed = slashes === mergedMatch?.application.double_slashes;
  return slashes === "keep" && !isAgreed ? undefined : slashes;
}

/** Whether every reading leads to the same application and to the same service. */
function agrees(
  catalog: Catalog,
  host: string,
  choice: PathChoice,
  slashes: "keep" | undefined,
): boolean {
  const { patterns } = catalog.hosts.find(host);
  const rules = catalog.ingress.covering(host);
  const own = patterns.find(({ match }) => match.pattern === choice.match?.pattern);
  const ownRule = chooseService(catalog.ingress, host, choice.path);
  const isOurs = isReserved(choice.path);

  const readPatterns = patterns.map(({ readPattern }) => readPattern);
  const traits = commonTraits(choice.path, readPatterns);
  for (const { reading, text } of readPath(choice.path, traits)) {
    if (slashes === "keep" && !reading.keepsSlashes) continue;
    if (isReservedUnder(reading, text) !== isOurs) return false;
    if (!leadsTo(own, patterns, reading, text)) return false;
    // No proxy forgets case or looks for files, and an origin behind the wrong rule is not asked.
    if (reading.foldsCase || reading.trimsNames) continue;
    if (serviceUnder(rules, reading, text) !== ownRule) return false;
  }
  return true;
}

/** Whether the first pattern that covers the path under this reading is of the same application. */
function leadsTo(
  own: CatalogPattern | undefined,
  patterns: readonly CatalogPattern[],
  reading: PathReading,
  text: string,
): boolean {
  for (const each of patterns) {
    const form = each.readPattern.under(reading);
    if (!form.covers(text)) continue;
    if (each.application === own?.application) return true;
    // Who gave two applications two spellings of one path has an origin that tells them apart.
    const isOtherSpelling =
      own?.pattern.host === each.pattern.host && own.readPattern.under(reading).text === form.text;
    if (!isOtherSpelling) return false;
  }
  return own === undefined;
}

/** Whether the gateway answers the path itself on every host that it serves (wire-protocol 1). */
export function isReserved(path: string): boolean {
  return path.startsWith(reservedPrefix) || path === reservedRoot;
}

function isReservedUnder({ foldsCase }: PathReading, text: string): boolean {
  return isReserved(foldsCase ? text.toLowerCase() : text);
}

const reservedRoot = reservedPrefix.slice(0, -1);
