import type { Policy } from "./policy.ts";

/**
 * What policy says about one principal at one application. `login` means: unknown so far, signing
 * in may help.
 */
export type Decision =
  | { outcome: "allow"; policy: Policy }
  | { outcome: "bypass"; policy: Policy }
  | { outcome: "deny"; reason: "no_policy_matched" }
  | { outcome: "deny"; reason: "policy"; policy: Policy }
  | { outcome: "login" };

/** A decision, and the state under which it was made. */
export interface CachedDecision {
  /** an object of its own for each configuration; holds nothing */
  basis: object;
  /** the address that was asked from */
  ip: string;
  decision: Decision;
}
