// What policy says of an authenticated request, remembered as long as nothing that it depends on
// has changed: the configuration, the session or program that asks, the application, and the
// address it asks from (cases T7, T8).
import type { Catalog } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, Decision, Principal } from "../model/model.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { Authentication } from "./authenticate.ts";

/** A decision, and the state under which it was made. */
interface CachedDecision {
  catalog: Catalog;
  ip: string;
  decision: Decision;
}

const nobody: Principal = { kind: "anonymous" };

/** Decisions of policy, each for as long as it holds. */
export class DecisionCache {
  // By session or service token, then by application. Both are held weakly: when a session or a
  // configuration is forgotten, its decisions are too.
  readonly #decisionsOf = new WeakMap<object, WeakMap<Application, CachedDecision>>();

  /**
   * Decides, from the cache where it can. A request whose credentials do not hold is decided like
   * one that has none, and never cached: strangers could fill the cache.
   */
  decide(facts: RequestFacts, application: Application, authentication: Authentication): Decision {
    const { catalog, clientIp: ip } = facts;
    const principal = principalOf(authentication);
    const asker = askerOf(authentication);
    if (asker === undefined) return evaluate({ application, principal, ip });

    const decisions = this.#of(asker);
    const cached = decisions.get(application);
    if (cached !== undefined && cached.catalog === catalog && cached.ip === ip)
      return cached.decision;

    const decision = evaluate({ application, principal, ip });
    decisions.set(application, { catalog, ip, decision });
    return decision;
  }

  #of(asker: object): WeakMap<Application, CachedDecision> {
    let decisions = this.#decisionsOf.get(asker);
    if (decisions === undefined) {
      decisions = new WeakMap();
      this.#decisionsOf.set(asker, decisions);
    }
    return decisions;
  }
}

/** The object that stands for who asks; undefined for strangers. */
function askerOf(authentication: Authentication): object | undefined {
  switch (authentication.kind) {
    case "person":
      return authentication.session;
    case "service":
      return authentication.serviceToken;
    default:
      return undefined;
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
    case "anonymous":
    case "unauthenticated":
    case "refused":
      return nobody;
  }
}
