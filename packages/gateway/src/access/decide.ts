// What policy says of an authenticated request, remembered as long as nothing that it depends on
// has changed: the configuration, the session or program that asks, the application, and the
// address it asks from.
import type { Catalog } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, Decision, Principal } from "../model/model.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { Authentication } from "./authenticate.ts";

interface Remembered {
  catalog: Catalog;
  ip: string;
  decision: Decision;
}

const nobody: Principal = { kind: "anonymous" };

/** A request whose credentials do not hold is decided like one that has none. */
export function createDecider() {
  // Held by what asks: a session that is forgotten takes its decisions along, so nothing grows.
  const remembered = new WeakMap<object, WeakMap<Application, Remembered>>();

  return (
    facts: RequestFacts,
    application: Application,
    authentication: Authentication,
  ): Decision => {
    const { catalog, clientIp: ip } = facts;
    const groups = catalog.groups;
    const subject =
      authentication.kind === "person"
        ? authentication.session
        : authentication.kind === "service"
          ? authentication.serviceToken
          : undefined;
    if (subject === undefined) return evaluate({ application, groups, principal: nobody, ip });

    let decisions = remembered.get(subject);
    if (decisions === undefined) {
      decisions = new WeakMap();
      remembered.set(subject, decisions);
    }
    const known = decisions.get(application);
    if (known !== undefined && known.catalog === catalog && known.ip === ip) return known.decision;
    const decision = evaluate({ application, groups, principal: principalOf(authentication), ip });
    decisions.set(application, { catalog, ip, decision });
    return decision;
  };
}

function principalOf(authentication: Authentication): Principal {
  switch (authentication.kind) {
    case "person":
      return { kind: "person", identity: authentication.session.identity };
    case "service":
      return {
        kind: "service",
        tokenId: authentication.serviceToken.id,
        clientId: authentication.serviceToken.client_id,
      };
    case "anonymous":
    case "unauthenticated":
    case "refused":
      return nobody;
  }
}
