// Issues and verifies every token (wire-protocol 2). Verifying is the hot path: a token that was
// verified once is answered from memory, and each time again asked whether it has expired or its
// session has ended.

import type { AppClaims, MetaClaims, OrgClaims, PassClaims } from "@postern/protocol";
import {
  checkTimes,
  decodeToken,
  ProtocolError,
  parseDuration,
  readClaims,
} from "@postern/protocol";
import type { CatalogSource } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { Application } from "../model/model.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store } from "../storage/store.ts";
import { issueClaims } from "./issue-claims.ts";
import { signHs256, signRs256, verifyHs256, verifyRs256 } from "./jws.ts";
import { createLiveSessions, type Live } from "./live-sessions.ts";
import { createMintCache } from "./mint-cache.ts";
import { createRateLimit } from "./rate-limit.ts";
import { type GenerateKeyPair, openSigningKeys } from "./signing-keys.ts";
import type { TokenFault, Tokens, Verified } from "./tokens.ts";

const minute = 60_000;
const assertionLife = 10 * minute;
// What is handed out must be good for a while: the last tenth of an assertion's life is left
// unused.
const assertionKept = 9 * minute;
/** wire-protocol 2: made at most once an hour */
const matchKept = 60 * minute;
// Anybody may ask who guards a host, and wildcards cover hosts without end: so many signatures for
// strangers, no more.
const matchBudget = { perSecond: 50, burst: 200 };
const metaSeconds = 300;
const verifiedCapacity = 20_000;
// The end of an RS256 signature is as good as random, and short enough to hash on each request.
const tailLength = 32;
// An unknown `kid` may be a key that another process has just made: the store is asked at most this
// often.
const unknownKeyInterval = 10_000;

export interface TokensDeps {
  store: Store;
  secretBox: SecretBox;
  catalogs: CatalogSource;
  now: Clock;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  /** makes the pairs that sign; default: a new RSA pair each time */
  generateKeyPair?: GenerateKeyPair | undefined;
}

interface VerifiedApp {
  token: string;
  aud: string;
  issuer: string;
  /** milliseconds since the epoch */
  expiresAt: number;
  live: Live;
  answer: Verified<AppClaims>;
}

type Known<Claims> = { claims: Claims; live: Live } | TokenFault;

export async function createTokens({
  store,
  secretBox,
  catalogs,
  now,
  organizationTag,
  generateKeyPair,
}: TokensDeps): Promise<Tokens> {
  const sessions = createLiveSessions(store);
  const issuer = () => catalogs.current().issuer;
  const keys = await openSigningKeys({
    store,
    secretBox,
    now,
    commonName: new URL(issuer()).hostname,
    longestToken: () => longestToken(catalogs),
    generateKeyPair,
  });
  const metaKey = secretBox.derive("meta");
  const claims = issueClaims({ catalogs, now, organizationTag });
  const verifiedApps = new Map<string, VerifiedApp>();
  // Issuer and custom claims come from the catalog: a changed one signs anew.
  const minted = createMintCache(now, () => catalogs.current());
  // A cache of its own: what strangers ask for must not push out what programs live on.
  const described = createMintCache(now, () => catalogs.current());
  const mayDescribe = createRateLimit(now, matchBudget);
  let unknownKeyAskedAt = Number.NEGATIVE_INFINITY;

  function forgetMinted(): void {
    minted.clear();
    described.clear();
  }

  function sign(content: object): string {
    const { kid, privateKey } = keys.signing();
    return signRs256(content, kid, privateKey);
  }

  async function findKey(kid: unknown) {
    if (typeof kid !== "string") return undefined;
    const known = keys.find(kid);
    if (known !== undefined || now() - unknownKeyAskedAt < unknownKeyInterval) return known;
    unknownKeyAskedAt = now();
    await keys.reload();
    return keys.find(kid);
  }

  /**
   * Signature, type, issuer, audience, times, session: in this order, each as precise as the caller
   * may want to log.
   */
  async function verify<Type extends "org" | "app" | "pass">(
    token: string,
    type: Type,
    aud: string,
  ): Promise<Known<ClaimsOf<Type>>> {
    try {
      const { header, claims: decoded } = decodeToken(token);
      // The algorithm is fixed before any key is looked at (case T3); `jwk`, `jku` and `x5u` are
      // never read.
      if (header["alg"] !== "RS256") return "bad_signature";
      const key = await findKey(header["kid"]);
      if (key === undefined || !verifyRs256(token, key)) return "bad_signature";
      if (decoded["type"] !== type) return "wrong_type";
      if (decoded["iss"] !== issuer()) return "wrong_issuer";
      const read = readClaims(decoded, type as "app") as ClaimsOf<Type>;
      if (!read.aud.includes(aud)) return "wrong_audience";
      checkTimes(decoded, now() / 1000);
      // A service token's assertion has no session: it is for origins and opens nothing here (case
      // T2).
      const live =
        read.identity_nonce === undefined
          ? undefined
          : await sessions.find(read.identity_nonce, now());
      if (live === undefined || live.session.user_id !== read.sub) return "revoked";
      // A terminal's token speaks for a terminal's session, and the other way round (case T10).
      if (
        (read as { terminal?: true }).terminal !==
        (live.session.kind === "terminal" && type !== "pass" ? true : undefined)
      )
        return "wrong_type";
      return { claims: read, live };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return error.code === "expired" ? "expired" : "malformed";
    }
  }

  async function verified<Type extends "org" | "pass">(
    token: string,
    type: Type,
    aud: string,
  ): Promise<Verified<ClaimsOf<Type>>> {
    const known = await verify(token, type, aud);
    return typeof known === "string"
      ? { ok: false, fault: known }
      : { ok: true, claims: known.claims, session: known.live.session };
  }

  function remember(
    token: string,
    aud: string,
    { claims: read, live }: { claims: AppClaims; live: Live },
  ): Verified<AppClaims> {
    const answer: Verified<AppClaims> = { ok: true, claims: read, session: live.session };
    if (verifiedApps.size >= verifiedCapacity)
      verifiedApps.delete(verifiedApps.keys().next().value ?? "");
    const expiresAt = Math.min(read.exp * 1000, live.session.expires_at);
    verifiedApps.set(token.slice(-tailLength), {
      token,
      aud,
      issuer: read.iss,
      expiresAt,
      live,
      answer,
    });
    return answer;
  }

  return {
    issueOrg: (session) => sign(claims.org(session)),
    issueApp: (session, application, lifetimeMs) =>
      sign(claims.person(session, application, lifetimeMs)),
    serviceAssertion: (application, clientId) =>
      minted(`service ${application.aud} ${clientId}`, assertionKept, () =>
        sign(claims.service(application, clientId, assertionLife)),
      ),
    personAssertion: (session, application) =>
      minted(
        `person ${application.aud} ${session.id}`,
        Math.min(assertionKept, 0.9 * (session.expires_at - now())),
        () => sign(claims.person(session, application, assertionLife)),
      ),
    issuePass(session, application, htu, lifetimeMs) {
      const pass = claims.pass(session, application, htu, lifetimeMs);
      return { token: sign(pass), expiresAt: pass.exp * 1000 };
    },
    issueMatch: (match) =>
      described(JSON.stringify(match), matchKept, () =>
        mayDescribe() ? sign(claims.match(match)) : undefined,
      ),

    sealMeta(meta) {
      const iat = Math.floor(now() / 1000);
      return signHs256(
        { ...meta, type: "meta", iat, exp: iat + metaSeconds } satisfies MetaClaims,
        metaKey,
      );
    },
    openMeta(token) {
      try {
        const { header, claims: read } = decodeToken(token);
        if (header["alg"] !== "HS256" || !verifyHs256(token, metaKey) || read["type"] !== "meta")
          return undefined;
        checkTimes(read, now() / 1000);
        return read as unknown as MetaClaims;
      } catch (error) {
        if (error instanceof ProtocolError) return undefined;
        throw error;
      }
    },

    cachedApp(token, aud) {
      const known = verifiedApps.get(token.slice(-tailLength));
      if (known === undefined || known.token !== token || known.aud !== aud) return undefined;
      if (known.live.alive && known.expiresAt > now() && known.issuer === issuer())
        return known.answer;
      verifiedApps.delete(token.slice(-tailLength));
      return undefined;
    },
    async verifyApp(token, aud) {
      const known = await verify(token, "app", aud);
      return typeof known === "string" ? { ok: false, fault: known } : remember(token, aud, known);
    },
    verifyOrg: (token) => verified(token, "org", organizationTag),
    verifyPass: (token, aud) => verified(token, "pass", aud),
    isOurs(token) {
      // Nearly every other `token` argument is settled by its first letters: `{"` in base64url.
      if (!token.startsWith("eyJ")) return false;
      try {
        return decodeToken(token).claims["iss"] === issuer();
      } catch {
        return false;
      }
    },

    certs: () => keys.certs(),
    async rotateKeys() {
      await keys.rotate();
      forgetMinted();
    },
    forgetSessions: (ids) => sessions.forget(ids),
    async refresh() {
      sessions.forgetAll();
      const before = keys.signing().kid;
      await keys.reload();
      if (keys.signing().kid !== before) forgetMinted();
    },
  };
}

type ClaimsOf<Type extends "org" | "app" | "pass"> = Type extends "org"
  ? OrgClaims
  : Type extends "app"
    ? AppClaims
    : PassClaims;

/** The longest session that the configuration in force can make, milliseconds. */
function longestToken(catalogs: CatalogSource): number {
  const { organization, applications } = catalogs.current();
  const durations = applications.flatMap((each: Application) => [
    each.session_duration,
    ...each.policies.map((policy) => policy.session_duration),
  ]);
  return Math.max(
    ...["24h", organization.session_duration, ...durations].map((duration) =>
      duration === undefined ? 0 : parseDuration(duration),
    ),
  );
}
