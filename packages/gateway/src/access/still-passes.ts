// Whether policy would let a stream that is open begin again: the catalog in force, the same
// application, the same asker, from the same address.
import type { Catalog } from "../catalog/catalog.ts";
import { matchApplication } from "../catalog/match-application.ts";
import type { Application, Principal, ServiceToken } from "../model/model.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { StoredSession } from "../storage/store.ts";

/** Who a request was let through for. What it gets may go on for as long as that holds. */
export type Asker =
  /** `expiresAt`: of the session or the credential, milliseconds since the epoch */
  | { kind: "person"; session: StoredSession; expiresAt: number }
  | { kind: "service"; serviceToken: ServiceToken }
  /** policy asks nobody who they are */
  | { kind: "anyone" };

/** What was asked for, as policy saw it. */
export interface StreamSubject {
  host: string;
  path: string;
  /** the client's address */
  ip: string;
  aud: string;
  asker: Asker;
}

/** The application as it is in force now; undefined where the stream would not begin any more. */
export function stillPasses(subject: StreamSubject, catalog: Catalog): Application | undefined {
  const { host, path, ip, aud, asker } = subject;
  const application = matchApplication(catalog, host, path)?.application;
  if (application?.aud !== aud) return undefined;

  const principal = principalOf(asker, catalog);
  if (principal === undefined) return undefined;
  const { outcome } = evaluate({ application, principal, ip });
  const mayPass = outcome === "bypass" || (outcome === "allow" && asker.kind !== "anyone");
  return mayPass ? application : undefined;
}

/** When what an asker showed holds no longer, milliseconds since the epoch. */
export function expiryOf(asker: Asker): number {
  switch (asker.kind) {
    case "person":
      return asker.expiresAt;
    case "service":
      return asker.serviceToken.expires_at ?? Number.POSITIVE_INFINITY;
    case "anyone":
      return Number.POSITIVE_INFINITY;
  }
}

/** Undefined for a service token that is gone, switched off, or has another secret now. */
function principalOf(asker: Asker, catalog: Catalog): Principal | undefined {
  switch (asker.kind) {
    case "person":
      return { kind: "person", identity: asker.session.identity };
    case "service": {
      const { id, client_id, client_secret_hash } = asker.serviceToken;
      const inForce = catalog.serviceTokenByClientId.get(client_id);
      const holds = inForce?.enabled === true && inForce.client_secret_hash === client_secret_hash;
      return holds ? { kind: "service", tokenId: id, clientId: client_id } : undefined;
    }
    case "anyone":
      return { kind: "anonymous" };
  }
}
