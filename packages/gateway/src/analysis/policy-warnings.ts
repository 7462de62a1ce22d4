// What is hardly meant by policies that are in force: the same warnings that the file and the API
// give when a policy is written (access-features 4.2), for whoever asks why somebody is let in.
import type { Catalog } from "../catalog/catalog.ts";
import type { World } from "../model/kind.ts";
import type { CompiledPolicy } from "../model/model.ts";
import { checkPolicy } from "../model/policy.ts";
import { createReport, fieldName } from "../model/problem.ts";

/** What the objects of a catalog do not say. */
export type CatalogSurroundings = Pick<World, "hasMail" | "knowsCountries">;

/** Id of a policy → its warnings: `include[0]: lets in everybody who can sign in; …` */
export type PolicyWarnings = ReadonlyMap<string, readonly string[]>;

/** The warnings of some policies. */
export function warningsOf(
  policies: readonly CompiledPolicy[],
  catalog: Catalog,
  surroundings: CatalogSurroundings,
): PolicyWarnings {
  const world = worldOf(catalog, surroundings);
  return new Map(policies.map((policy) => [policy.id, warningsOfOne(policy, world)]));
}

function warningsOfOne(policy: CompiledPolicy, world: World): string[] {
  const report = createReport();
  // The rule of a factor that is demanded is nobody's own.
  const require = policy.require.filter((rule) => !Object.hasOwn(rule, "mfa_config"));
  checkPolicy({ ...policy, require }, world, report);
  return report.warnings.map(({ path, what }) => `${fieldName(path)}: ${what}`);
}

/** Nothing is in the way of anything else: what is in force was checked when it was written. */
function worldOf(catalog: Catalog, surroundings: CatalogSurroundings): World {
  const objects = new Map<string, ReadonlyMap<string, object>>([
    ["application", new Map(catalog.applications.map((each) => [each.id, each]))],
    ["group", catalog.groups],
    ["identity_provider", catalog.identityProviders],
    ["list", catalog.lists],
  ]);
  return {
    ...surroundings,
    ownHosts: new Set(),
    find: <Configured>({ name }: { name: string }, id: string) =>
      objects.get(name)?.get(id) as Configured | undefined,
    count: (kind) => objects.get(kind)?.size ?? 0,
    ownerOf: () => undefined,
  };
}
