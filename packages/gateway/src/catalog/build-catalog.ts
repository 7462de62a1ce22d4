// Opened records → the catalog that requests read: links resolved, patterns compiled and sorted,
// everything that is looked up by a word in a map of its own. What two sources of objects may only
// contradict together is refused.
import { compareSpecificity } from "@postern/protocol";
import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config/load-config.ts";
import type { StoredApplication } from "../model/application.ts";
import type {
  Application,
  Group,
  IdentityProvider,
  Organization,
  Policy,
  ServiceToken,
} from "../model/model.ts";
import { PolicyCompiler } from "../policy/policy-compiler.ts";
import type { Catalog } from "./catalog.ts";
import { compileIngress } from "./choose-service.ts";
import type { ConfiguredRecord } from "./configured-records.ts";
import { type CatalogPattern, compileDomain, HostIndex } from "./host-index.ts";

/**
 * @param records in the order in which people see them
 * @throws {ConfigError} when two objects claim the same, or a policy is missing
 */
export function buildCatalog(records: readonly ConfiguredRecord[], config: Config): Catalog {
  const policies = byKey(objectsOf<Policy>(records, "policy"), "policy", ({ id }) => id);
  const groups = byKey(objectsOf<Group>(records, "group"), "group", ({ id }) => id);
  const compiler = new PolicyCompiler(groups);
  const applications = objectsOf<StoredApplication>(records, "application").map((each) => ({
    ...each,
    policies: each.policies.map((policy) =>
      compiler.compile(resolvePolicy(policy, policies, each.name)),
    ),
  }));
  const patterns = compilePatterns(applications);
  const [organization] = objectsOf<Organization>(records, "organization");
  return {
    organization: { ...(organization ?? config.organization), auth_domain: config.auth_domain },
    issuer: config.issuer,
    teamHost: config.team_host,
    relayHosts: new Set(config.relay_hosts),
    applications,
    applicationByAud: byKey(applications, "AUD", ({ aud }) => aud),
    patterns,
    hosts: new HostIndex(patterns),
    groups,
    identityProviders: byKey(
      objectsOf<IdentityProvider>(records, "identity_provider"),
      "identity provider",
      ({ id }) => id,
    ),
    serviceTokenByClientId: byKey(
      objectsOf<ServiceToken>(records, "service_token"),
      "client_id",
      (each) => each.client_id,
    ),
    ingress: compileIngress(config.ingress),
  };
}

function objectsOf<Each>(
  records: readonly ConfiguredRecord[],
  kind: ConfiguredRecord["kind"],
): Each[] {
  return records
    .filter((each) => each.kind === kind)
    .map(({ id, name, aud, body }) => fromRecord(id, name, aud, body) as Each);
}

function fromRecord(
  id: string,
  name: string,
  aud: string | null,
  body: Record<string, unknown>,
): object {
  return aud === null ? { id, name, ...body } : { id, aud, name, ...body };
}

/** A missing policy is never left out: it may be the one that denies. */
function resolvePolicy(
  policy: Policy | { id: string },
  policies: ReadonlyMap<string, Policy>,
  name: string,
): Policy {
  if ("decision" in policy) return policy;
  const found = policies.get(policy.id);
  if (found === undefined)
    throw new ConfigError(
      `the application "${name}" links to the policy "${policy.id}", which is not there; add it`,
    );
  return found;
}

function compilePatterns(applications: readonly Application[]): CatalogPattern[] {
  const owners = new Map<string, Application>();
  const patterns = applications.flatMap((application) =>
    application.domains.map((domain) => {
      const owner = owners.get(domain);
      if (owner !== undefined && owner !== application)
        throw new ConfigError(
          `${domain} belongs to two applications, "${owner.name}" and "${application.name}"; take it from one of them`,
        );
      owners.set(domain, application);
      return compileDomain(domain, application);
    }),
  );
  return patterns.sort((a, b) => compareSpecificity(a.pattern, b.pattern));
}

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
