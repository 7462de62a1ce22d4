// Issues what people show: tokens, passes and grants. Each is signed when it is asked for, off the
// serving thread: once for a login, and never for an anonymous request.
import type { CatalogSource } from "../catalog/catalog.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import type { Application } from "../model/model.ts";
import type { StoredGrant, StoredSession } from "../storage/store.ts";
import {
  grantClaims,
  type Issuance,
  orgClaims,
  type PassScope,
  passClaims,
  personClaims,
} from "./claims.ts";
import { MintCache } from "./mint-cache.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { Pass } from "./tokens.ts";

export interface IssuerDeps {
  keys: Pick<SigningKeys, "sign" | "kid">;
  catalogs: CatalogSource;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  now: Clock;
  elapsed: Stopwatch;
}

export class TokenIssuer {
  readonly #deps: IssuerDeps;

  constructor(deps: IssuerDeps) {
    this.#deps = deps;
  }

  org(session: StoredSession, browser?: string): Promise<string> {
    return this.#sign(orgClaims(this.#issuance(), session, browser));
  }

  app(
    session: StoredSession,
    application: Application,
    lifetimeMs: number,
    browser?: string,
  ): Promise<string> {
    return this.#sign(personClaims(this.#issuance(), session, application, lifetimeMs, browser));
  }

  async pass(
    session: StoredSession,
    application: Application,
    htu: string,
    lifetimeMs: number,
    scope?: PassScope,
  ): Promise<Pass> {
    const claims = passClaims(this.#issuance(), session, application, htu, lifetimeMs, scope);
    return {
      token: await this.#sign(claims),
      expiresAt: claims.exp * 1000,
    };
  }

  grant(session: StoredSession, application: Application, grant: StoredGrant): Promise<string> {
    return this.#sign(grantClaims(this.#issuance(), session, application, grant));
  }

  #sign(claims: object): Promise<string> {
    return this.#deps.keys.sign(claims);
  }

  #issuance(): Issuance {
    return issuanceOf(this.#deps);
  }
}

/** What claims are made from at this moment. */
export function issuanceOf({
  catalogs,
  organizationTag,
  now,
}: Omit<IssuerDeps, "keys" | "elapsed">): Issuance {
  return {
    catalog: catalogs.current(),
    organizationTag,
    now: now(),
  };
}

/**
 * A cache of tokens that are made anew when another key signs and when the catalog changes, which
 * issuer and custom claims come from.
 */
export function createMintCache({ keys, catalogs, now, elapsed }: IssuerDeps): MintCache {
  return new MintCache({ now, elapsed }, () => [catalogs.current(), keys.kid()]);
}
