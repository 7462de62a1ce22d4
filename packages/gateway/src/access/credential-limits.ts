// What passes and grants are limited to (wire-protocol 8): a URL prefix, and what narrows that. One
// that holds and does not cover the request is told from one that does not hold.

import type { PassClaims } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { canonicalize, canonicalPath } from "../http/canonical-path.ts";
import type { StoredSession } from "../storage/store.ts";
import { RequestScope, type ScopeFault } from "../tokens/request-scope.ts";
import type {
  AppProof,
  GrantTerms,
  PassProof,
  TokenFault,
  Verified,
  VerifiedApp,
} from "../tokens/tokens.ts";

/** What a pass or a grant is limited to. */
export interface CredentialLimits {
  via: "pass" | "grant";
  /** the URL prefix */
  htu: string;
  scope: RequestScope;
  /** names its count in the store; undefined for one without */
  countId: string | undefined;
  /** undefined for a pass */
  grant: GrantName | undefined;
}

/** What a grant is called in the log. */
export type GrantName = Pick<GrantTerms, "id" | "label">;

/** What of a request a pass or a grant that holds does not cover. */
export type LimitFault = ScopeFault | "host";

/** A pass or a grant that holds, for something that it does not cover. */
export interface OutsideLimits {
  kind: "outside";
  session: StoredSession;
  limits: CredentialLimits;
  fault: LimitFault;
}

/** The person whose pass or grant it is, or why the request is not theirs. */
export type Holder =
  | {
      kind: "person";
      session: StoredSession;
      proof: AppProof | PassProof;
      via: "pass" | "grant";
      limits: CredentialLimits;
    }
  | OutsideLimits
  | { kind: "unauthenticated"; via: "pass" | "grant"; fault: TokenFault; byProgram: true };

/** The person whose grant it is, if it covers the request. */
export function grantHolder(verification: VerifiedApp, facts: RequestFacts): Holder {
  if (!verification.ok) return failed("grant", verification.fault);
  const { grant, session } = verification;
  if (grant === undefined) return failed("grant", "wrong_type");
  const { id, label, htu, scope } = grant;
  const countId = scope.count === undefined ? undefined : id;
  const limits: CredentialLimits = { via: "grant", htu, scope, countId, grant: { id, label } };
  if (!isBelow(htu, facts)) return { kind: "outside", session, limits, fault: "host" };
  return withinLimits(verification, limits, facts);
}

/** The person whose pass it is, if it is for this prefix and covers the request. */
export function passHolder(verification: Verified<PassClaims>, facts: RequestFacts): Holder {
  if (!verification.ok) return failed("pass", verification.fault);
  const { claims } = verification;
  const { htu, jti: countId } = claims;
  if (!isBelow(htu, facts)) return failed("pass", "wrong_audience");
  const scope = new RequestScope(claims);
  const limits: CredentialLimits = { via: "pass", htu, scope, countId, grant: undefined };
  return withinLimits(verification, limits, facts);
}

function withinLimits(
  proof: AppProof | PassProof,
  limits: CredentialLimits,
  facts: RequestFacts,
): Holder {
  const { session } = proof;
  const fault = limits.scope.faultOf(facts);
  if (fault !== undefined) return { kind: "outside", session, limits, fault };
  return { kind: "person", session, proof, via: limits.via, limits };
}

function failed(via: "pass" | "grant", fault: TokenFault): Holder {
  return { kind: "unauthenticated", via, fault, byProgram: true };
}

/**
 * Whether the request has the scheme, host and port of a URL prefix, and lies below its path on a
 * segment boundary (wire-protocol 8), in whatever way the origin reads the path.
 */
function isBelow(htu: string, facts: RequestFacts): boolean {
  const origin = `${facts.scheme}://${facts.authority}`;
  if (!htu.startsWith(`${origin}/`)) return false;
  const prefix = htu.slice(origin.length);
  if (prefix !== canonicalPath(prefix)) return false;
  const canonical = canonicalize(facts.path);
  if (canonical === undefined) return false;
  // `/v1/..;/admin` belongs to the application in both readings, but only in one of them below
  // `/v1/` (case P3).
  return [canonical.path, ...canonical.otherReadings].every((path) => covers(prefix, path));
}

function covers(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith("/") || path.length === prefix.length || path[prefix.length] === "/";
}
