// Whether policy would let a stream that is open begin again: the catalog in force, the same
// application, the same asker, from the same address.
import type { Catalog } from "../catalog/catalog.ts";
import { circumstancesOf } from "../catalog/circumstances.ts";
import { matchApplication } from "../catalog/match-application.ts";
import { defined } from "../defined.ts";
import type { Application, Principal, ServiceToken, Workload } from "../model/model.ts";
import type { AskerFields } from "../observe/events.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { StoredSession } from "../storage/store.ts";
import type { Generation } from "../tokens/generations.ts";
import { secretExpiry } from "../tokens/service-token.ts";
import type { LinkedProof } from "../tokens/tokens.ts";
import type { GrantName } from "./credential-limits.ts";

/** Who a request was let through for. What it gets may go on for as long as that holds. */
export type Asker =
  /**
   * @property expiresAt of the session or the credential, milliseconds since the epoch
   * @property grant by which somebody asks in the person's name
   * @property generation of the application's tokens, as the credential says it
   */
  | {
      kind: "person";
      session: StoredSession;
      expiresAt: number;
      grant: GrantName | undefined;
      generation: Generation;
    }
  /** @property secretHash of the secret that was shown: SHA-256, hex */
  | { kind: "service"; serviceToken: ServiceToken; secretHash: string }
  | { kind: "workload"; workload: Workload }
  /** the origin of another application, in a person's name */
  | ({ kind: "linked" } & LinkedProof)
  /** policy asks nobody who they are */
  | { kind: "anyone" };

/** An asker as far as the log names them. */
type KnownAsker =
  | { kind: "person"; session: StoredSession; grant: GrantName | undefined }
  | Exclude<Asker, { kind: "person" }>;

/** What was asked for, as policy saw it. */
export interface StreamSubject {
  host: string;
  method: string;
  path: string;
  /** the client's address */
  ip: string;
  aud: string;
  asker: Asker;
}

/** The application as it is in force now; undefined where another one has the address, or none. */
export function applicationInForce(
  { host, path, aud }: StreamSubject,
  catalog: Catalog,
): Application | undefined {
  const application = matchApplication(catalog, host, path)?.application;
  return application?.aud === aud ? application : undefined;
}

/** The asker as they are now; undefined where policy would not let the stream begin any more. */
export function askerInForce(
  { ip, method, path, asker: before }: StreamSubject,
  application: Application,
  catalog: Catalog,
): Asker | undefined {
  const asker = knownAsker(before, catalog);
  if (asker === undefined) return undefined;
  const circumstances = circumstancesOf({ clientIp: ip, method, path, catalog }, application);
  const principal = principalOf(asker);
  const { outcome } = evaluate({ application, principal, ...circumstances });
  const mayPass = outcome === "bypass" || (outcome === "allow" && asker.kind !== "anyone");
  return mayPass ? asker : undefined;
}

/** When what an asker showed holds no longer, milliseconds since the epoch. */
export function expiryOf(asker: Asker): number {
  switch (asker.kind) {
    case "person":
      return asker.expiresAt;
    case "service":
      return secretExpiry(asker.serviceToken, asker.secretHash) ?? 0;
    case "workload":
      return asker.workload.expiresAt;
    case "linked":
      return Math.min(asker.session.expires_at, asker.exp * 1000);
    case "anyone":
      return Number.POSITIVE_INFINITY;
  }
}

/** Who it is, for the log. */
export function askerFields(asker: KnownAsker): AskerFields {
  switch (asker.kind) {
    case "person":
      return { email: asker.session.identity.email, ...grantFields(asker.grant) };
    case "service":
      return { client_id: asker.serviceToken.client_id };
    case "workload":
      return { issuer: asker.workload.issuer, subject: asker.workload.subject };
    case "linked":
      return { email: asker.session.identity.email, linked_application: asker.linked.name };
    case "anyone":
      return {};
  }
}

/**
 * The asker, with the service token of now: it may expire sooner or later than it did.
 * @returns undefined for a service token that is gone, switched off, or has other secrets
 */
function knownAsker(asker: Asker, catalog: Catalog): Asker | undefined {
  if (asker.kind !== "service") return asker;
  const { secretHash } = asker;
  const serviceToken = catalog.serviceTokenByClientId.get(asker.serviceToken.client_id);
  if (serviceToken === undefined) return undefined;
  const holds = secretExpiry(serviceToken, secretHash) !== undefined;
  return holds ? { kind: "service", serviceToken, secretHash } : undefined;
}

function principalOf(asker: Asker): Principal {
  switch (asker.kind) {
    case "person":
      return { kind: "person", identity: asker.session.identity };
    case "service": {
      const { id, client_id } = asker.serviceToken;
      return { kind: "service", tokenId: id, clientId: client_id };
    }
    case "workload":
      return asker;
    case "linked": {
      const { linked, session } = asker;
      return { kind: "linked", application: linked, identity: session.identity };
    }
    case "anyone":
      return { kind: "anonymous" };
  }
}

/** A grant, for the log. */
export function grantFields(grant: GrantName | undefined): Pick<AskerFields, "grant" | "label"> {
  return grant === undefined ? {} : { grant: grant.id, ...defined({ label: grant.label }) };
}
