import type { Configured } from "../model/mfa-config.ts";
import type { Application, Policy } from "../model/model.ts";
import { withAllowedProviders } from "./allowed-providers.ts";
import { withDemandedFactor } from "./demanded-factor.ts";

/** A policy with all that an application demands of whoever enters by it. */
export function policyInForce(
  policy: Policy,
  application: Configured & Pick<Application, "allowed_idps">,
): Policy {
  return withAllowedProviders(withDemandedFactor(policy, application), application);
}
