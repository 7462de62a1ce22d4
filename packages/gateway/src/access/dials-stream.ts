// Whether a program dials a service that carries bytes (wire-protocol 10). The official client
// does, and learns from a 302 that it must sign in, or that its token is dead (wire-protocol 3).
import { chooseService } from "../catalog/choose-service.ts";
import { carriesBytes } from "../model/ingress-service.ts";
import type { ReadRequest } from "./read-request.ts";

/** A WebSocket that no page asks for, to such a service. */
export function dialsStream({ facts, headers, upgrade }: ReadRequest): boolean {
  if (upgrade !== "websocket" || headers.origin !== undefined) return false;
  const rule = chooseService(facts.catalog.ingress, facts.host, facts.path);
  return rule !== undefined && carriesBytes(rule.service);
}
