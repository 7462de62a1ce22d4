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
import type { Generation, Generations } from "./generations.ts";
import { MintCache } from "./mint-cache.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { Pass } from "./tokens.ts";

export interface IssuerDeps {
  keys: Pick<SigningKeys, "sign" | "kid">;
  catalogs: CatalogSource;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  generations: Pick<Generations, "find">;
  now: Clock;
  elapsed: Stopwatch;
}

export class TokenIssuer {
  readonly #deps: IssuerDeps;

  constructor(deps: IssuerDeps) {
    this.#deps = deps;
  }

  org(session: StoredSession, browser?: string): Promise<string> {
    return this.#sign(orgClaims(issuanceOf(this.#deps), session, browser));
  }

  async app(
    session: StoredSession,
    application: Application,
    lifetimeMs: number,
    browser?: string,
  ): Promise<string> {
    const issuance = await this.#issuanceFor(application);
    return this.#sign(personClaims(issuance, session, application, lifetimeMs, browser));
  }

  async pass(
    session: StoredSession,
    application: Application,
    htu: string,
    lifetimeMs: number,
    scope?: PassScope,
  ): Promise<Pass> {
    const issuance = await this.#issuanceFor(application);
    const claims = passClaims(issuance, session, application, htu, lifetimeMs, scope);
    return {
      token: await this.#sign(claims),
      expiresAt: claims.exp * 1000,
    };
  }

  async grant(
    session: StoredSession,
    application: Application,
    grant: StoredGrant,
  ): Promise<string> {
    const issuance = await this.#issuanceFor(application);
    return this.#sign(grantClaims(issuance, session, application, grant));
  }

  #sign(claims: object): Promise<string> {
    return this.#deps.keys.sign(claims);
  }

  async #issuanceFor({ aud }: Application): Promise<Issuance> {
    return issuanceOf(this.#deps, await this.#deps.generations.find(aud));
  }
}

/** What claims are made from at this moment. */
export function issuanceOf(
  { catalogs, organizationTag, now }: Pick<IssuerDeps, "catalogs" | "organizationTag" | "now">,
  generation: Generation = null,
): Issuance {
  return {
    catalog: catalogs.current(),
    organizationTag,
    now: now(),
    generation,
  };
}

/**
 * A cache of tokens that are made anew when another key signs and when the catalog changes, which
 * issuer and custom claims come from.
 */
export function createMintCache({ keys, catalogs, now, elapsed }: IssuerDeps): MintCache {
  return new MintCache({ now, elapsed }, () => [catalogs.current(), keys.kid()]);
}
