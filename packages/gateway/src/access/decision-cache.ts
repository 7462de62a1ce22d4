// What policy says of an authenticated request, remembered as long as nothing that it depends on
// has changed: the configuration, the session or program that asks, the application, and the
// address it asks from (cases T7, T8).
import { BoundedCache } from "../bounded-cache.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, CachedDecision, Decision, Principal } from "../model/model.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { Authentication } from "./authenticate.ts";

/** Pairs of a service token and an application that are remembered. */
const programCapacity = 10_000;

const nobody: Principal = { kind: "anonymous" };

/** Decisions of policy, each for as long as it holds. */
export class DecisionCache {
  #catalog: Catalog | undefined;
  // Stands for the catalog in cached decisions: those of idle sessions must not keep a
  // configuration in memory that is no longer in force.
  #basis: object = {};
  /** client id and AUD → decision */
  readonly #ofPrograms = new BoundedCache<string, CachedDecision>(programCapacity);

  /**
   * Decides, from the cache where it can. A person's decision is kept on the token, which is for
   * one application and forgotten with its session. A request whose credentials do not hold is
   * decided like one that has none, and never cached: strangers could fill the cache.
   */
  decide(facts: RequestFacts, application: Application, authentication: Authentication): Decision {
    this.#follow(facts.catalog);
    const { clientIp: ip } = facts;
    const principal = principalOf(authentication);
    switch (authentication.kind) {
      case "person": {
        const { proof } = authentication;
        // A pass is verified anew with each request, and there is nothing to keep it on.
        if (!("decision" in proof)) return evaluate({ application, principal, ip });
        if (this.#holds(proof.decision, ip)) return proof.decision.decision;
        proof.decision = this.#evaluate(application, principal, ip);
        return proof.decision.decision;
      }
      case "service": {
        const key = `${authentication.serviceToken.client_id} ${application.aud}`;
        const cached = this.#ofPrograms.get(key);
        if (this.#holds(cached, ip)) return cached.decision;
        const fresh = this.#evaluate(application, principal, ip);
        this.#ofPrograms.set(key, fresh);
        return fresh.decision;
      }
      default:
        return evaluate({ application, principal, ip });
    }
  }

  #follow(catalog: Catalog): void {
    if (catalog === this.#catalog) return;
    this.#catalog = catalog;
    this.#basis = {};
  }

  #holds(cached: CachedDecision | undefined, ip: string): cached is CachedDecision {
    return cached !== undefined && cached.basis === this.#basis && cached.ip === ip;
  }

  #evaluate(application: Application, principal: Principal, ip: string): CachedDecision {
    return { basis: this.#basis, ip, decision: evaluate({ application, principal, ip }) };
  }
}

function principalOf(authentication: Authentication): Principal {
  switch (authentication.kind) {
    case "person":
      return { kind: "person", identity: authentication.session.identity };
    case "service": {
      const { id, client_id } = authentication.serviceToken;
      return { kind: "service", tokenId: id, clientId: client_id };
    }
    case "workload":
      return authentication;
    case "anonymous":
    case "unauthenticated":
    case "outside":
    case "refused":
      return nobody;
  }
}
