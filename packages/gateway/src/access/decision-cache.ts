// What policy says of an authenticated request, remembered as long as nothing that it depends on
// has changed: the configuration, the session or program that asks, the application, and what its
// policies name of the request: address, method, path (cases T7, T8).
import { BoundedCache, type CacheReading } from "../bounded-cache.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { circumstancesOf, circumstancesWithout } from "../catalog/circumstances.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, CachedDecision, Decision, Principal } from "../model/model.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { Authentication } from "./authenticate.ts";

/** Pairs of a service token and an application that are remembered. */
const programCapacity = 10_000;
/** A longer path is judged each time: one session must not remember much. */
const longestPath = 256;

const nobody: Principal = { kind: "anonymous" };

/** Decisions of policy, each for as long as it holds. */
export class DecisionCache {
  #catalog: Catalog | undefined;
  // Stands for the catalog in cached decisions: those of idle sessions must not keep a
  // configuration in memory that is no longer in force.
  #basis: object = {};
  /** a miss: one that had to be made, and might have been remembered */
  readonly reading: CacheReading = { hits: 0, misses: 0 };
  /** client id and AUD → decision */
  readonly #ofPrograms = new BoundedCache<string, CachedDecision>(programCapacity);

  /**
   * Decides, from the cache where it can. A person's decision is kept on the token, which is for
   * one application and forgotten with its session. A request whose credentials do not hold is
   * decided like one that has none, and never cached: strangers could fill the cache.
   */
  decide(facts: RequestFacts, application: Application, authentication: Authentication): Decision {
    // What is remembered is remembered of the application as a whole.
    if (application.publicPath !== undefined) return decideAnew(facts, application, authentication);
    this.#follow(facts.catalog);
    switch (authentication.kind) {
      case "person": {
        const { proof } = authentication;
        // A pass is verified anew with each request, and there is nothing to keep it on.
        if (!("decision" in proof)) break;
        if (this.#holds(proof.decision, facts)) return this.#hit(proof.decision);
        this.reading.misses++;
        const decision = decideAnew(facts, application, authentication);
        proof.decision = this.#remember(facts, application, decision);
        return decision;
      }
      case "service": {
        const key = `${authentication.serviceToken.client_id} ${application.aud}`;
        const cached = this.#ofPrograms.get(key);
        if (this.#holds(cached, facts)) return this.#hit(cached);
        this.reading.misses++;
        const decision = decideAnew(facts, application, authentication);
        const fresh = this.#remember(facts, application, decision);
        if (fresh !== undefined) this.#ofPrograms.set(key, fresh);
        return decision;
      }
      default:
    }
    return decideAnew(facts, application, authentication);
  }

  /** Whether the application asks nobody who they are, whatever they ask for. */
  isOpen(facts: RequestFacts, application: Application): boolean {
    const circumstances = circumstancesWithout(facts, application, "awaited");
    return evaluate({ application, principal: nobody, ...circumstances }).outcome === "bypass";
  }

  #follow(catalog: Catalog): void {
    if (catalog === this.#catalog) return;
    this.#catalog = catalog;
    this.#basis = {};
  }

  #hit({ decision }: CachedDecision): Decision {
    this.reading.hits++;
    return decision;
  }

  #holds(cached: CachedDecision | undefined, facts: RequestFacts): cached is CachedDecision {
    if (cached === undefined || cached.basis !== this.#basis) return false;
    const { ip, method, path } = cached;
    if (ip !== undefined && ip !== facts.clientIp) return false;
    if (method !== undefined && method !== facts.method) return false;
    return path === undefined || path === facts.path;
  }

  #remember(
    { clientIp, method, path }: RequestFacts,
    { names }: Application,
    decision: Decision,
  ): CachedDecision | undefined {
    if (names.path && path.length > longestPath) return undefined;
    return {
      basis: this.#basis,
      ip: names.address || names.country ? clientIp : undefined,
      method: names.method ? method : undefined,
      path: names.path ? path : undefined,
      decision,
    };
  }
}

function decideAnew(
  facts: RequestFacts,
  application: Application,
  authentication: Authentication,
): Decision {
  const principal = principalOf(authentication);
  return evaluate({ application, principal, ...circumstancesOf(facts, application) });
}

/** Who asks, as policy sees them. */
export function principalOf(authentication: Authentication): Principal {
  switch (authentication.kind) {
    case "person":
      return { kind: "person", identity: authentication.session.identity };
    case "service": {
      const { id, client_id } = authentication.serviceToken;
      return { kind: "service", tokenId: id, clientId: client_id };
    }
    case "workload":
      return authentication;
    case "linked": {
      const { linked, session } = authentication;
      return { kind: "linked", application: linked, identity: session.identity };
    }
    case "anonymous":
    case "unauthenticated":
    case "outside":
    case "refused":
      return nobody;
  }
}
