// Objects in force → the catalog that requests read: links resolved, rules and patterns compiled,
// everything that is looked up by a word in a map of its own. What has not changed since the
// catalog before keeps its compiled form. What two sources of objects may only contradict together
// is refused.
import { compareSpecificity } from "@postern/protocol";
import { ConfigError } from "../config/config-error.ts";
import type { KindObject } from "../config/config-objects.ts";
import type { Settings } from "../config/read-settings.ts";
import { application, type StoredApplication } from "../model/application.ts";
import { group } from "../model/group.ts";
import { identityProvider } from "../model/identity-provider.ts";
import type { ConfiguredObject, StoredKind } from "../model/kind.ts";
import { list } from "../model/list.ts";
import type {
  Application,
  CompiledPolicy,
  IngressRule,
  Organization,
  Policy,
} from "../model/model.ts";
import { defaultName, organization } from "../model/organization.ts";
import { bookmarkType } from "../model/other-application.ts";
import { policy } from "../model/policy.ts";
import { namedByAny } from "../model/rules/atom.ts";
import { serviceToken } from "../model/service-token.ts";
import { providerGroups } from "../policy/allowed-providers.ts";
import { PolicyCompiler } from "../policy/policy-compiler.ts";
import { policyInForce } from "../policy/policy-in-force.ts";
import type { Catalog } from "./catalog.ts";
import { compileIngress, type Ingress } from "./choose-service.ts";
import { type CountryLookup, noCountries } from "./countries.ts";
import { type CatalogPattern, compileDomain, HostIndex } from "./host-index.ts";
import { compilePublicPaths } from "./public-paths.ts";
import type { Steps } from "./steps.ts";

/** All that a catalog is made from. */
export interface CatalogContent {
  /** in the order in which people see them; an application has its AUD */
  objects: readonly KindObject[];
  settings: Pick<Settings, "issuer" | "auth_domain" | "team_host" | "relay_hosts">;
  ingress: readonly IngressRule[];
}

interface CompiledApplication {
  application: Application;
  patterns: readonly CatalogPattern[];
}

/** Builds one catalog after the other. A build that fails leaves nothing behind. */
export class CatalogBuilder {
  #compiler: PolicyCompiler | undefined;
  #applications: ReadonlyMap<StoredApplication, CompiledApplication> = new Map();
  #patterns: readonly CatalogPattern[] = [];
  #ingress: { rules: readonly IngressRule[]; compiled: Ingress } = {
    rules: [],
    compiled: compileIngress([]),
  };

  /** @throws {ConfigError} when two objects claim the same, or a policy is missing */
  *build(
    { objects, settings, ingress }: CatalogContent,
    countries: CountryLookup = noCountries,
  ): Steps<Catalog> {
    // 1. Compile what applications refer to.
    const stored = objectsOf(objects, application) as StoredApplication[];
    const ownGroups = [...objectsOf(objects, group), ...providerGroups(stored)];
    const groups = byKey(ownGroups, "group", ({ id }) => id);
    const policies = byKey(objectsOf(objects, policy), "policy", ({ id }) => id);
    const lists = byKey(objectsOf(objects, list), "list", ({ id }) => id);
    const compiler = new PolicyCompiler({ groups, lists }, this.#compiler);

    // 2. Compile the applications, one a step: their policies are most of the work.
    const compiled = new Map<StoredApplication, CompiledApplication>();
    for (const each of stored) {
      const linked = each.policies
        .map((entry) => resolvePolicy(entry, policies, each.name))
        .map((own) => policyInForce(own, each));
      const rules = linked.map((entry) => compiler.compile(entry));
      compiled.set(each, this.#compileApplication(each, rules, compiler));
      yield;
    }
    const all = [...compiled.values()].map((each) => each.application);
    const applications = all.filter(({ sent }) => sent === undefined);
    const unsorted = [...compiled.values()].flatMap((each) => each.patterns);
    checkOwners(unsorted);
    const patterns = this.#sortPatterns(unsorted);
    yield;

    // 3. Join everything; what contradicts itself is found on the way.
    const catalog: Catalog = {
      organization: organizationIn(objects, settings.auth_domain),
      issuer: settings.issuer,
      teamHost: settings.team_host,
      relayHosts: new Set(settings.relay_hosts),
      applications,
      bookmarks: all.filter(({ type }) => type === bookmarkType),
      applicationByAud: byKey(applications, "AUD", ({ aud }) => aud),
      patterns,
      hosts: new HostIndex(patterns),
      groups,
      lists,
      countries,
      identityProviders: byKey(
        objectsOf(objects, identityProvider),
        "identity provider",
        ({ id }) => id,
      ),
      serviceTokenByClientId: byKey(
        objectsOf(objects, serviceToken),
        "client_id",
        (each) => each.client_id,
      ),
      ingress: this.#compileIngress(ingress),
    };

    // 4. Remember what was compiled for the next catalog.
    compiler.finish();
    this.#compiler = compiler;
    this.#applications = compiled;
    this.#patterns = patterns;
    return catalog;
  }

  #compileApplication(
    source: StoredApplication,
    policies: CompiledPolicy[],
    compiler: PolicyCompiler,
  ): CompiledApplication {
    const earlier = this.#applications.get(source);
    if (earlier !== undefined && isSame(earlier.application.policies, policies)) return earlier;
    const names = namedByAny(policies.map(({ rules }) => rules.names));
    const linkedApplications = policies.flatMap((each) => each.linkedApplications);
    const compiled: Application = { ...source, policies, names, linkedApplications };
    const compile = (own: Policy) => compiler.compile(own);
    const patterns = source.domains.map((domain) =>
      compileDomain(domain, compiled, compilePublicPaths(compiled, domain, compile)),
    );
    return { application: compiled, patterns };
  }

  /** Most specific first. Patterns of the catalog before begin in its order: little is compared. */
  #sortPatterns(patterns: readonly CatalogPattern[]): readonly CatalogPattern[] {
    const places = new Map(this.#patterns.map(({ pattern }, place) => [pattern.text, place]));
    const placeOf = ({ pattern }: CatalogPattern) => places.get(pattern.text) ?? places.size;
    return patterns
      .toSorted((a, b) => placeOf(a) - placeOf(b))
      .sort((a, b) => compareSpecificity(a.pattern, b.pattern));
  }

  #compileIngress(rules: readonly IngressRule[]): Ingress {
    if (this.#ingress.rules !== rules) this.#ingress = { rules, compiled: compileIngress(rules) };
    return this.#ingress.compiled;
  }
}

function objectsOf<Configured extends ConfiguredObject>(
  objects: readonly KindObject[],
  { name }: StoredKind<Configured>,
): Configured[] {
  return objects.filter(({ kind }) => kind === name).map(({ object }) => object as Configured);
}

/** A missing policy is never left out: it may be the one that denies. */
function resolvePolicy(
  entry: Policy | { id: string },
  policies: ReadonlyMap<string, Policy>,
  applicationName: string,
): Policy {
  if ("decision" in entry) return entry;
  const linked = policies.get(entry.id);
  if (linked !== undefined) return linked;
  throw new ConfigError(
    `the application "${applicationName}" links to the policy "${entry.id}", which does not exist; add it`,
  );
}

/** @throws {ConfigError} when two applications have one pattern */
function checkOwners(patterns: readonly CatalogPattern[]): void {
  const owners = new Map<string, Application>();
  for (const { pattern, application } of patterns) {
    const owner = owners.get(pattern.text);
    if (owner !== undefined && owner !== application)
      throw new ConfigError(
        `${pattern.text} belongs to two applications, "${owner.name}" and "${application.name}"; remove it from one of them`,
      );
    owners.set(pattern.text, application);
  }
}

function organizationIn(objects: readonly KindObject[], authDomain: string): Organization {
  const [single] = objectsOf(objects, organization);
  return { name: defaultName, ...single, auth_domain: authDomain };
}

/** @throws {ConfigError} when two objects have one key */
function byKey<Each extends { name: string }>(
  objects: readonly Each[],
  what: string,
  key: (each: Each) => string,
): ReadonlyMap<string, Each> {
  const map = new Map<string, Each>();
  for (const each of objects) {
    const other = map.get(key(each));
    if (other !== undefined)
      throw new ConfigError(
        `"${other.name}" and "${each.name}" have the same ${what}; change one of them`,
      );
    map.set(key(each), each);
  }
  return map;
}

function isSame<Item>(some: readonly Item[], others: readonly Item[]): boolean {
  return some.length === others.length && some.every((item, index) => item === others[index]);
}
