// Verifies the tokens that people show. Application tokens come with every request: one that was
// verified once is answered from memory.
import type { AppClaims, OrgClaims, PassClaims } from "@postern/protocol";
import type { CacheReading } from "../bounded-cache.ts";
import { grantedClaims } from "./claims.ts";
import type { Generations } from "./generations.ts";
import { RequestScope } from "./request-scope.ts";
import type { Verified, VerifiedApp } from "./tokens.ts";
import { VerifiedApps } from "./verified-apps.ts";
import { type Verification, type VerifyDeps, verifyToken } from "./verify.ts";

/** Grants that are remembered, at most: there are few beside sessions, and each is larger. */
const mostCachedGrants = 5_000;

interface VerifierDeps extends VerifyDeps {
  generations: Pick<Generations, "isCurrent" | "known" | "version">;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  /** tokens that are remembered, at most */
  capacity: number;
}

export class TokenVerifier {
  readonly #deps: VerifierDeps;
  readonly #verifiedApps: VerifiedApps;
  // Kept apart: a cookie that holds a grant must not find it among application tokens.
  readonly #verifiedGrants: VerifiedApps;

  constructor(deps: VerifierDeps) {
    this.#deps = deps;
    this.#verifiedApps = new VerifiedApps(deps, deps.capacity);
    this.#verifiedGrants = new VerifiedApps(deps, Math.min(deps.capacity, mostCachedGrants));
  }

  /** How its memory fares. */
  readings(): { token: CacheReading; grant: CacheReading } {
    return { token: this.#verifiedApps.reading, grant: this.#verifiedGrants.reading };
  }

  /** Undefined when `app` must be asked. */
  cachedApp(token: string, aud: string): VerifiedApp | undefined {
    return this.#verifiedApps.find(token, aud);
  }

  async app(token: string, aud: string): Promise<VerifiedApp> {
    const verification = await verifyToken(this.#deps, token, { type: "app", aud });
    if (!verification.ok) return verification;
    return this.#verifiedApps.add(token, aud, verification);
  }

  /** Undefined when `grant` must be asked. */
  cachedGrant(token: string, aud: string): VerifiedApp | undefined {
    return this.#verifiedGrants.find(token, aud);
  }

  async grant(token: string, aud: string): Promise<VerifiedApp> {
    const verification = await verifyToken(this.#deps, token, { type: "grant", aud });
    if (!verification.ok) return verification;
    const { live } = verification;
    const { jti: id, label, htu, ...scope } = verification.claims;
    const claims = grantedClaims(verification.claims);
    const grant = { id, label, htu, scope: new RequestScope(scope) };
    return this.#verifiedGrants.add(token, aud, { claims, live, grant });
  }

  async org(token: string): Promise<Verified<OrgClaims>> {
    const aud = this.#deps.organizationTag;
    const verification = await verifyToken(this.#deps, token, { type: "org", aud });
    return toVerified(verification);
  }

  async pass(token: string, aud: string): Promise<Verified<PassClaims>> {
    const verification = await verifyToken(this.#deps, token, { type: "pass", aud });
    return toVerified(verification);
  }

  async assertion(token: string, aud: string): Promise<Verified<AppClaims>> {
    const verification = await verifyToken(this.#deps, token, { type: "assertion", aud });
    return toVerified(verification);
  }
}

function toVerified<Claims>(verification: Verification<Claims>): Verified<Claims> {
  if (!verification.ok) return verification;
  const { claims, live } = verification;
  return { ok: true, claims, session: live.session };
}
