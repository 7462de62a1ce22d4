// Puts together what issues and verifies every token (wire-protocol 2): keys, sessions, caches.
import { decodeToken, parseDuration } from "@postern/protocol";
import type { CatalogSource } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { RandomBytes } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store } from "../storage/store.ts";
import { createDescriber } from "./describe.ts";
import { TokenIssuer } from "./issue.ts";
import { LiveSessions } from "./live-sessions.ts";
import type { GenerateKeyPair } from "./make-signing-key.ts";
import { openMeta, sealMeta } from "./meta.ts";
import { openSigningKeys } from "./signing-keys.ts";
import type { Tokens, Verified } from "./tokens.ts";
import { VerifiedApps } from "./verified-apps.ts";
import { type Verification, verifyToken } from "./verify.ts";

export interface TokensDeps {
  store: Pick<Store, "keys" | "sessions">;
  secretBox: SecretBox;
  catalogs: CatalogSource;
  now: Clock;
  randomBytes: RandomBytes;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  /** makes the pairs that sign; default: a new RSA pair each time */
  generateKeyPair?: GenerateKeyPair | undefined;
}

/** @throws {Error} when the store's keys cannot be read or unsealed */
export async function createTokens(deps: TokensDeps): Promise<Tokens> {
  const { store, secretBox, catalogs, now, organizationTag } = deps;
  const issuer = () => catalogs.current().issuer;
  const keys = await openSigningKeys({
    ...deps,
    keys: store.keys,
    commonName: new URL(issuer()).hostname,
    longestToken: () => longestToken(catalogs),
  });
  const sessions = new LiveSessions(store.sessions);
  const issuerDeps = { keys, catalogs, organizationTag, now };
  const issue = new TokenIssuer(issuerDeps);
  const describe = createDescriber(issuerDeps);
  const metaKey = { key: secretBox.derive("meta"), now };
  const verifiedApps = new VerifiedApps({ issuer, now });
  const verifyDeps = { keys, sessions, issuer, now };

  return {
    issueOrg: (session) => issue.org(session),
    issueApp: (session, application, lifetimeMs) => issue.app(session, application, lifetimeMs),
    issuePass: (session, application, htu, lifetimeMs) =>
      issue.pass(session, application, htu, lifetimeMs),
    serviceAssertion: (application, clientId) => issue.serviceAssertion(application, clientId),
    personAssertion: (session, application) => issue.personAssertion(session, application),
    issueMatch: describe,
    sealMeta: (content) => sealMeta(metaKey, content),
    openMeta: (token) => openMeta(metaKey, token),

    cachedApp: (token, aud) => verifiedApps.find(token, aud),
    async verifyApp(token, aud) {
      const verification = await verifyToken(verifyDeps, token, { type: "app", aud });
      return verification.ok ? verifiedApps.add(token, aud, verification) : verification;
    },
    verifyOrg: async (token) =>
      withoutLive(await verifyToken(verifyDeps, token, { type: "org", aud: organizationTag })),
    verifyPass: async (token, aud) =>
      withoutLive(await verifyToken(verifyDeps, token, { type: "pass", aud })),
    isOurs: (token) => isIssuedBy(issuer(), token),

    certs: () => keys.certs(),
    rotateKeys: () => keys.rotate(),
    forgetSessions: (ids) => sessions.forget(ids),
    forgetAllSessions: () => sessions.forgetAll(),
    reloadKeys: () => keys.reload(),
  };
}

function withoutLive<Claims>(verification: Verification<Claims>): Verified<Claims> {
  if (!verification.ok) return verification;
  const { claims, live } = verification;
  return { ok: true, claims, session: live.session };
}

function isIssuedBy(issuer: string, token: string): boolean {
  // Nearly every other `token` argument is told by its first letters: `{"` in base64url.
  if (!token.startsWith("eyJ")) return false;
  try {
    return decodeToken(token).claims["iss"] === issuer;
  } catch {
    return false;
  }
}

/** The longest session that the configuration in force can make, milliseconds. */
function longestToken(catalogs: CatalogSource): number {
  const { organization, applications } = catalogs.current();
  const durations = [
    "24h",
    organization.session_duration,
    ...applications.map((application) => application.session_duration),
    ...applications.flatMap(({ policies }) => policies.map((policy) => policy.session_duration)),
  ];
  return Math.max(...durations.filter((each) => each !== undefined).map(parseDuration));
}
