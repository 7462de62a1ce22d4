// What stands in the tokens that we issue (wire-protocol 2). All times are integers.
import type { AppClaims, MatchClaims, OrgClaims, PassClaims } from "@postern/protocol";
import type { CatalogSource } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { Application, Identity } from "../model/model.ts";
import type { StoredSession } from "../storage/store.ts";

// Bytes. Browsers keep no cookie above 4 kB; the other claims and the signature need about half of
// it.
const customLength = 1800;

export function issueClaims({
  catalogs,
  now,
  organizationTag,
}: {
  catalogs: CatalogSource;
  now: Clock;
  organizationTag: string;
}) {
  /** Cut at the session's end: no token outlives what it stands for. */
  function times(lifetimeMs: number, end = Number.POSITIVE_INFINITY) {
    const iat = Math.floor(now() / 1000);
    return { iat, nbf: iat, exp: Math.floor(Math.min(now() + lifetimeMs, end) / 1000) };
  }

  return {
    org: (session: StoredSession): OrgClaims => ({
      type: "org",
      iss: catalogs.current().issuer,
      aud: [organizationTag],
      sub: session.user_id,
      email: session.identity.email,
      ...times(Number.POSITIVE_INFINITY, session.expires_at),
      identity_nonce: session.id,
      ...ofTerminal(session),
    }),
    person: (session: StoredSession, application: Application, lifetimeMs: number): AppClaims => ({
      type: "app",
      iss: catalogs.current().issuer,
      aud: [application.aud],
      sub: session.user_id,
      email: session.identity.email,
      ...times(lifetimeMs, session.expires_at),
      identity_nonce: session.id,
      country: session.identity.country,
      ...customClaims(catalogs, session.identity),
      ...ofTerminal(session),
    }),
    service: (application: Application, clientId: string, lifetimeMs: number): AppClaims => ({
      type: "app",
      iss: catalogs.current().issuer,
      aud: [application.aud],
      sub: "",
      common_name: clientId,
      ...times(lifetimeMs),
      country: "",
    }),
    pass: (
      session: StoredSession,
      application: Application,
      htu: string,
      lifetimeMs: number,
    ): PassClaims => ({
      type: "pass",
      iss: catalogs.current().issuer,
      aud: [application.aud],
      sub: session.user_id,
      ...times(lifetimeMs, session.expires_at),
      identity_nonce: session.id,
      htu,
    }),
    match: (claims: Omit<MatchClaims, "type" | "iat" | "auth_domain">): MatchClaims => ({
      type: "match",
      ...claims,
      auth_domain: new URL(catalogs.current().issuer).host,
      iat: Math.floor(now() / 1000),
    }),
  };
}

function ofTerminal(session: StoredSession): { terminal?: true } {
  return session.kind === "terminal" ? { terminal: true } : {};
}

/**
 * The provider's configured claims, in their order, as many as fit; the full set is in
 * get-identity.
 */
function customClaims(
  catalogs: CatalogSource,
  identity: Identity,
): { custom?: Record<string, unknown> } {
  const config = catalogs.current().identityProviders.get(identity.idp.id)?.config;
  const names: readonly string[] =
    config !== undefined && "claims" in config ? (config.claims ?? []) : [];
  if (names.length === 0) return {};
  const custom: Record<string, unknown> = {};
  let length = 2;
  for (const name of names) {
    if (!Object.hasOwn(identity.oidc_fields, name)) continue;
    length += Buffer.byteLength(JSON.stringify({ [name]: identity.oidc_fields[name] }));
    if (length > customLength) break;
    custom[name] = identity.oidc_fields[name];
  }
  return { custom };
}
