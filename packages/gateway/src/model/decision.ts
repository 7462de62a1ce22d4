import type { Policy } from "./policy.ts";

/**
 * What policy says about one principal at one application. `login` means: unknown so far, signing
 * in may help.
 */
export type Decision =
  /** `others`: those that may let the same person in for another request, at a sign-in alone */
  | { outcome: "allow"; policy: Policy; others?: readonly Policy[] }
  /** `byCredential`: not for whoever asks, but for the program that proved who it is */
  | { outcome: "bypass"; policy: Policy; byCredential?: true }
  | { outcome: "deny"; reason: "no_policy_matched" }
  | { outcome: "deny"; reason: "policy"; policy: Policy }
  | { outcome: "login" };

/** A decision, and what it was made for; undefined where no policy names that. */
export interface CachedDecision {
  /** an object of its own for each configuration; holds nothing */
  basis: object;
  /** the address that was asked from */
  ip: string | undefined;
  method: string | undefined;
  path: string | undefined;
  decision: Decision;
}
