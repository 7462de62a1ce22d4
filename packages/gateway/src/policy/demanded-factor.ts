import { type Configured, demandsFactor } from "../model/mfa-config.ts";
import type { Policy } from "../model/model.ts";

const demanding = new WeakMap<Policy, Policy>();

/**
 * The policy as it is in force in an application: with a rule that cannot be judged where a factor
 * is demanded. A policy's own word counts before the application's.
 */
export function withDemandedFactor(policy: Policy, application: Configured): Policy {
  const deciding = policy.mfa_config === undefined ? application : policy;
  if (policy.decision !== "allow" || !demandsFactor(deciding)) return policy;
  const known = demanding.get(policy);
  if (known !== undefined) return known;
  const inForce = { ...policy, require: [...policy.require, { mfa_config: {} }] };
  demanding.set(policy, inForce);
  return inForce;
}
