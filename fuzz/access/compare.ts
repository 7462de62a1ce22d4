// `diff --access` beside everybody who might ask: whoever is let in by one of two files and not by
// the other must be among those who gain or lose, and an example that is told must be a true one.
import {
  type AccessComparison,
  compareAccess,
} from "../../packages/gateway/src/analysis/compare-access.ts";
import { FileCatalogs } from "../../packages/gateway/src/analysis/file-catalogs.ts";
import type { Catalog } from "../../packages/gateway/src/catalog/catalog.ts";
import { choosePath } from "../../packages/gateway/src/catalog/path-choice.ts";
import { loadConfig } from "../../packages/gateway/src/config/load-config.ts";
import { canonicalize, withItsSlashes } from "../../packages/gateway/src/http/canonical-path.ts";
import type { Application, Principal } from "../../packages/gateway/src/model/model.ts";
import { evaluate } from "../../packages/gateway/src/policy/evaluate.ts";
import { type Asker, askerAt, crowdOf, drawAsker, sizeOf } from "./askers.ts";
import { changeFile, Draws, drawFile, type FileSize, type WrittenFile } from "./files.ts";

/** What many comparisons came to. */
export interface AccessTally {
  changes: number;
  /** of these, those of which everybody in the crowd was asked */
  complete: number;
  askers: number;
  /** askers who gain or lose */
  differences: number;
  /** changes of which it was said that nobody does */
  nobody: number;
  /** changes that could not be decided */
  undecided: number;
  disagreements: string[];
}

export function noTally(): AccessTally {
  return {
    changes: 0,
    complete: 0,
    askers: 0,
    differences: 0,
    nobody: 0,
    undecided: 0,
    disagreements: [],
  };
}

/** What to try. */
export interface AccessCampaign {
  seed: number;
  size: FileSize;
  /** of one change; a crowd that is no larger is tried out completely */
  askers: number;
}

/** One change, drawn from its seed, beside a crowd. */
export function tryChange({ seed, size, askers }: AccessCampaign, tally: AccessTally): void {
  const draws = new Draws(seed);
  const files = drawChange(draws, size);
  const catalogs = new FileCatalogs();
  const [before, after] = files.map((file) => catalogs.build(configOf(file)));
  if (before === undefined || after === undefined) return;
  const comparison = compareAccess(before, after, 0);
  tally.changes++;
  tally.nobody += Number(comparison.changes.length === 0);
  if (
    comparison.undecidedHosts.length > 0 ||
    comparison.changes.some(({ isUndecided }) => isUndecided)
  ) {
    tally.undecided++;
    return;
  }

  const crowd = crowdOf(draws, files, size);
  const all = sizeOf(crowd);
  const count = Math.min(all, askers);
  tally.complete += Number(all <= askers);
  for (let place = 0; place < count; place++) {
    const asker = all <= askers ? askerAt(crowd, place) : drawAsker(draws, crowd);
    tally.askers++;
    const fault = faultOf({ before, after }, comparison, asker, tally);
    if (fault === undefined) continue;
    const text = `seed ${seed} ${size}: ${fault}\n${files.map(textOf).join("\n")}`;
    tally.disagreements.push(text);
    return;
  }
}

function textOf(file: WrittenFile): string {
  return JSON.stringify(file);
}

/** Two files that a gateway takes. */
function drawChange(draws: Draws, size: FileSize): [WrittenFile, WrittenFile] {
  for (;;) {
    const before = drawFile(draws, size);
    const after = draws.rarely(10) ? drawFile(draws, size) : changeFile(draws, before);
    if (isValid(before) && isValid(after)) return [before, after];
  }
}

function isValid(file: WrittenFile): boolean {
  try {
    new FileCatalogs().build(configOf(file));
    return true;
  } catch {
    return false;
  }
}

function configOf(file: WrittenFile) {
  return loadConfig({ text: textOf(file), file: "postern.yaml", environment: {} }).config;
}

interface Sides {
  before: Catalog;
  after: Catalog;
}

/** What is wrong with the comparison, as one asker shows it. */
function faultOf(
  { before, after }: Sides,
  comparison: AccessComparison,
  asker: Asker,
  tally: AccessTally,
): string | undefined {
  const [was, is] = [answerOf(before, asker), answerOf(after, asker)];
  if (was.isLetIn === is.isLetIn) return undefined;
  tally.differences++;
  const change = comparison.changes.find(
    (each) => each.before === was.owner && each.after === is.owner,
  );
  const told = (is.isLetIn ? change?.gains : change?.loses) ?? [];
  const { kind } = asker.principal;
  if (told.some((each) => each.kind === kind || each.kind === "anonymous")) return undefined;
  const verb = is.isLetIn ? "gains" : "loses";
  return `${verb}, and is not told: ${JSON.stringify(asker)}`;
}

/** Whether somebody is let in, and where. */
function answerOf(
  catalog: Catalog,
  { principal, ip, country, method, host, path: raw }: Asker,
): { owner: Application | "refused" | undefined; isLetIn: boolean } {
  const canonical = canonicalize(raw);
  if (canonical === undefined) return { owner: "refused", isLetIn: false };
  const slashed = withItsSlashes(raw, canonical.path);
  const choice = choosePath(catalog, host, { path: canonical.path, withItsSlashes: slashed });
  const application = choice?.match?.application;
  if (choice === undefined) return { owner: "refused", isLetIn: false };
  if (application === undefined) return { owner: undefined, isLetIn: false };
  if (canonical.encodedSlash && !application.allow_encoded_slashes)
    return { owner: "refused", isLetIn: false };
  const asker = provenPrincipal(catalog, application, principal);
  const request = { method, path: choice.path };
  const { outcome } = evaluate({ application, principal: asker, ip, country, request });
  return { owner: application, isLetIn: outcome === "allow" || outcome === "bypass" };
}

/**
 * As authentication has it: whose proof does not hold is a stranger. With a provider that is gone
 * nobody signs in.
 */
function provenPrincipal(
  catalog: Catalog,
  application: Application,
  principal: Principal,
): Principal {
  const stranger: Principal = { kind: "anonymous" };
  if (principal.kind === "service") {
    const tokens = [...catalog.serviceTokenByClientId.values()];
    return tokens.some(({ id, enabled }) => id === principal.tokenId && enabled)
      ? principal
      : stranger;
  }
  if (principal.kind === "person")
    return catalog.identityProviders.has(principal.identity.idp.id) ? principal : stranger;
  if (principal.kind !== "linked") return principal;
  const { id } = principal.application;
  const isThere = catalog.applications.some((each) => each.id === id);
  return isThere && application.linkedApplications.includes(id) ? principal : stranger;
}
