// `allowed_idps` of an application (access-features 6): whoever signed in with another provider
// does not enter. It is a rule that each policy of the application demands, so that whoever
// decides, explains or compares knows of it.
import type { Application, Group, Policy } from "../model/model.ts";

type Configured = Pick<Application, "allowed_idps">;

/** policy → ids of the providers, as one text → the policy with its rule */
const demanding = new WeakMap<Policy, Map<string, Policy>>();

/** `allowed_idps` of an application → the group */
const groups = new WeakMap<readonly string[], Group>();

/** Whether somebody who signed in with a provider may use an application. */
export function isAllowedProvider({ allowed_idps }: Configured, id: string): boolean {
  return allowed_idps.length === 0 || allowed_idps.includes(id);
}

/** The policy as it is in force in an application: for people of its providers alone. */
export function withAllowedProviders(policy: Policy, { allowed_idps }: Configured): Policy {
  if (policy.decision !== "allow" || allowed_idps.length === 0) return policy;
  const known = demanding.get(policy) ?? new Map<string, Policy>();
  demanding.set(policy, known);
  const key = groupId(allowed_idps);
  const done = known.get(key);
  if (done !== undefined) return done;
  const [only = "", ...others] = allowed_idps;
  const rule = others.length === 0 ? { login_method: { id: only } } : { group: { id: key } };
  const inForce = { ...policy, require: [...policy.require, rule] };
  known.set(key, inForce);
  return inForce;
}

/** The groups that these rules name, where an application allows several providers. */
export function providerGroups(applications: readonly Configured[]): Group[] {
  const several = applications.filter(({ allowed_idps }) => allowed_idps.length > 1);
  const all = several.map(({ allowed_idps }) => groupOf(allowed_idps));
  return [...new Map(all.map((group) => [group.id, group])).values()];
}

/** The same object each time: where a group is another one, its policies are compiled anew. */
function groupOf(providers: readonly string[]): Group {
  const known = groups.get(providers);
  if (known !== undefined) return known;
  const group = {
    id: groupId(providers),
    name: `sign-in by ${providers.join(" or ")}`,
    include: providers.map((id) => ({ login_method: { id } })),
    require: [],
    exclude: [],
  };
  groups.set(providers, group);
  return group;
}

/** No id that somebody writes has a blank in it. */
function groupId(providers: readonly string[]): string {
  return `allowed_idps ${providers.join(" ")}`;
}
