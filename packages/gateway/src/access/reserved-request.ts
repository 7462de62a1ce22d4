// Which requests the gateway answers itself, whatever policy says (wire-protocol 1).
import { endpoints } from "@postern/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { isApplicationHost } from "../catalog/match-application.ts";
import { isReserved as isReservedPath } from "../catalog/path-choice.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";

/**
 * Whether the gateway answers itself: for the team domain, the relay, and below the reserved prefix
 * on every host that is served.
 */
export function isReserved({ host, path }: RequestFacts, catalog: Catalog): boolean {
  if (host === catalog.teamHost) return true;
  if (isReservedPath(path) && isApplicationHost(catalog, host)) return true;
  if (!catalog.relayHosts.has(host)) return false;
  return path.startsWith(endpoints.transfer) || !isApplicationHost(catalog, host);
}
