// What the rest of the gateway knows of tokens and sessions.
import type { AppClaims, MatchClaims, MetaClaims, OrgClaims, PassClaims } from "@postern/protocol";
import type { Application, Identity } from "../model/model.ts";
import type { StoredSession } from "../storage/store.ts";

/** Why a token or session does not count. Precise here, vague on the wire. */
export type TokenFault =
  | "malformed"
  | "bad_signature"
  | "wrong_type"
  | "wrong_issuer"
  | "wrong_audience"
  | "expired"
  | "revoked";

export type Verified<Claims> =
  | { ok: true; claims: Claims; session: StoredSession }
  | { ok: false; fault: TokenFault };

export interface Tokens {
  /** issues; all synchronous, RS256 about 0.3 ms: never for an anonymous request */
  issueOrg(session: StoredSession): string;
  /** @param lifetimeMs cut at the session's end */
  issueApp(session: StoredSession, application: Application, lifetimeMs: number): string;
  /** the assertion for a service token, from a cache; lives 10 minutes */
  serviceAssertion(application: Application, clientId: string): string;
  /** an ordinary assertion for a request that came with a pass, from a cache */
  personAssertion(session: StoredSession, application: Application): string;
  issuePass(
    session: StoredSession,
    application: Application,
    htu: string,
    lifetimeMs: number,
  ): { token: string; expiresAt: number };
  /**
   * `cf-access-metadata`, made at most once an hour per distinct claims; undefined when too many
   * were asked for just now
   */
  issueMatch(claims: Omit<MatchClaims, "type" | "iat" | "auth_domain">): string | undefined;
  /** HS256 with a key of its own */
  sealMeta(claims: Omit<MetaClaims, "type" | "iat" | "exp">): string;
  openMeta(token: string): MetaClaims | undefined;

  /**
   * The cached answer when there is one, decided without waiting; undefined when `verifyApp` must
   * be asked.
   */
  cachedApp(token: string, aud: string): Verified<AppClaims> | undefined;
  /** signature, type, issuer, audience, times, and the live session behind it */
  verifyApp(token: string, aud: string): Promise<Verified<AppClaims>>;
  verifyOrg(token: string): Promise<Verified<OrgClaims>>;
  verifyPass(token: string, aud: string): Promise<Verified<PassClaims>>;
  /** whether this is a JWS whose `iss` is this team domain, valid or not (wire-protocol 3.4) */
  isOurs(token: string): boolean;

  /** the body of `GET /cdn-cgi/access/certs` */
  certs(): string;
  /** makes the published next key sign, publishes another next one (wire-protocol 2) */
  rotateKeys(): Promise<void>;
  /** forgets what is cached for these sessions, at once */
  forgetSessions(ids: readonly string[]): void;
  /** another process changed the store: keys and sessions are read again */
  refresh(): Promise<void>;
}

/** Begins and ends sessions; what it ended is dead for every request that comes after. */
export interface Sessions {
  /**
   * A session with a new id (case T10). A terminal's ends no later than the browser session that
   * approved it.
   * @param lifetimeMs milliseconds from now
   */
  start(input: {
    kind: StoredSession["kind"];
    identity: Identity;
    parent?: StoredSession;
    userAgent: string;
    lifetimeMs: number;
  }): Promise<StoredSession>;
  /** ends one session and the terminals that it approved */
  end(sessionId: string): Promise<void>;
  /** ends every session of the person */
  endAllOf(userId: string): Promise<void>;
}
